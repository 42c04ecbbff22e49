about = "Two bare hosts become replicas of a primary under a live writer, and the app learns of them."

host "db1" {
  image   = "bookworm-mariadb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-bare"
  address = "10.77.1.13"
}

host "web" {
  image   = "bookworm-bare"
  address = "10.77.1.21"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "60" }
}

on "web" { script = "app-env.sh" }

writer_starts "db1" {}

replform "plan -detailed-exitcode" {
  exit    = 2
  matches = ["(?m)^Plan: 2 to add"]
}

# A plan changes nothing.
on "web" {
  run    = "cat /etc/acme/database.env"
  prints = "ACME_COLOUR=blue"
}

replform "apply -auto-approve" {}

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

on "web" {
  run = "cat /etc/acme/database.env; stat -c '%U:%G %a' /etc/acme/database.env; test -e /run/acme-reloaded"
  lines = [
    "ACME_COLOUR=blue",
    "MARIADB_ADDRESS=10.77.1.11",
    "MARIADB_PRIMARY_ADDRESS=10.77.1.11",
    "MARIADB_REPLICA_ADDRESSES_INT=10.77.1.12,10.77.1.13",
    "MARIADB_REPLICA_ADDRESSES_EXT=",
    "MARIADB_PORT=3306",
    "deploy:www-data 640",
  ]
}

nothing_to_do {}

replform "status" { matches = ["(?s)streaming.*streaming"] }
