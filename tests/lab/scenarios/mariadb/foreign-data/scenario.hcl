about = "Foreign data on a running server blocks the plan and is not touched."

host "db1" {
  image   = "bookworm-mariadb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-mariadb"
  address = "10.77.1.12"
}

on "db2" { run = "mariadb -e 'create database shop; create table shop.item (id int primary key) engine=MyISAM; insert into shop.item values (7); flush tables'" }

# A running server keeps its log going by itself, so only its tables are watched.
on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/mysql/shop" }
  save   = "before"
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["BLOCKED", "replace_data", "shop"]
}

replform "apply -auto-approve" { exit = 4 }

on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/mysql/shop" }
  prints = before
}

on "db1" {
  run    = "mariadb -Ne \"select count(*) from mysql.global_priv where user like 'replform%'\""
  prints = "0"
}
