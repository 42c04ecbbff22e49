about = "Foreign data on a stopped server blocks the plan and is not touched."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-mysql"
  address = "10.77.1.12"
}

# The other server was cloned from the same image: an equal server_uuid is no proof of the same data.
on "db2" { script = "shop.sh" }

on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/mysql" }
  save   = "before"
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["BLOCKED", "replace_data", "shop"]
}

replform "apply -auto-approve" { exit = 4 }

on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/mysql" }
  prints = before
}

on "db1" {
  run    = "mysql -NBe \"select count(*) from mysql.user where user like 'replform%'\""
  prints = "0"
}
