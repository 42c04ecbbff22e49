about = "A replica that streams and is still wrong gets a full copy by resync; the writer goes on, and what it had stays beside it."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "40" }
}

writer_starts "db1" {}

replform "apply -auto-approve" {}

# It goes on following, and is wrong.
on "db2" { run = "mysql -e 'set global super_read_only = 0; set sql_log_bin = 0; create database lost; set global super_read_only = 1'" }

nothing_to_do {}

replform "plan -replace=replication.orders.replica.nobody" {
  exit = 1
  says = ["names nothing"]
}

replform "resync -auto-approve replication.orders.replica.reader" { says = ["backup", "restore"] }

nothing_to_do {}

writer_stops { longest_pause = "20s" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

# What it had is beside it.
on "db2" { run = "ls -d /var/lib/mysql.replform-2*" }
