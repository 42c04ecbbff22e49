about = "Two bare hosts become Valkey replicas of a Valkey 8.1 under a live writer."

host "db1" {
  image   = "trixie-valkey"
  address = "10.77.1.11"
}

host "db2" {
  image   = "trixie-bare"
  address = "10.77.1.12"
}

host "db3" {
  image   = "trixie-bare"
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
  says    = ["writes go on all along"]
}

# A plan changes nothing.
on "web" {
  run    = "cat /etc/acme/database.env"
  prints = "ACME_COLOUR=blue"
}

replform "apply -auto-approve" {}

writer_stops {
  longest_pause    = "3s"
  lost_connections = 0
}

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

on "web" {
  run = "cat /etc/acme/database.env; stat -c '%U:%G %a' /etc/acme/database.env; test -e /run/acme-reloaded"
  lines = [
    "ACME_COLOUR=blue",
    "REDIS_ADDRESS=10.77.1.11",
    "REDIS_PRIMARY_ADDRESS=10.77.1.11",
    "REDIS_REPLICA_ADDRESSES_INT=10.77.1.12,10.77.1.13",
    "REDIS_REPLICA_ADDRESSES_EXT=",
    "REDIS_PORT=6379",
    "deploy:www-data 640",
  ]
}

nothing_to_do {}

replform "status" { matches = ["(?s)streaming.*streaming"] }

# All of it holds after a restart of each: the link, the account, the addresses.
on "db1" "db2" "db3" { run = "systemctl restart valkey-server" }

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

nothing_to_do {}
