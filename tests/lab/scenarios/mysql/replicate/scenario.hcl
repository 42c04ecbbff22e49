about = "Two bare hosts become replicas of a primary under a live writer, and the app learns of them."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-bare"
  address = "10.77.1.12"
}

host "db3" {
  image   = "sid-bare"
  address = "10.77.1.13"
}

host "web" {
  image   = "bookworm-bare"
  address = "10.77.1.21"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "100" }
}

on "web" { script = "app-env.sh" }

writer_starts "db1" {}

replform "plan -detailed-exitcode" {
  exit    = 2
  matches = ["(?m)^Plan: 2 to add"]
}

replform "apply -auto-approve" {}

writer_stops { longest_pause = "20s" }

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

on "web" {
  run = "cat /etc/acme/database.env; test -e /run/acme-reloaded"
  lines = [
    "ACME_COLOUR=blue",
    "MYSQL_ADDRESS=10.77.1.11",
    "MYSQL_PRIMARY_ADDRESS=10.77.1.11",
    "MYSQL_REPLICA_ADDRESSES_INT=10.77.1.12,10.77.1.13",
    "MYSQL_REPLICA_ADDRESSES_EXT=",
    "MYSQL_PORT=3306",
  ]
}

nothing_to_do {}

# Read-only also after a restart, and following again by itself.
on "db2" { run = "systemctl restart mysql" }

wait "db2" {
  run    = "mysql -NBe 'select @@super_read_only, service_state from performance_schema.replication_connection_status'"
  prints = "1\tON"
}

# Every server has a server_uuid and an id of its own.
replform "status" { matches = ["(?s)streaming.*streaming"] }
