about = "A standalone under a live writer becomes a set of three, on a bare host and a fresh server, and the app learns of them."

host "db1" {
  image   = "bookworm-mongodb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-mongobare"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-mongodb"
  address = "10.77.1.13"
}

host "web" {
  image   = "bookworm-base"
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

writer_stops { longest_pause = "15s" }

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

# Every member has its vote.
on "db1" {
  run   = "labmongo votes"
  lines = ["10.77.1.11:27017 1", "10.77.1.12:27017 1", "10.77.1.13:27017 1"]
}

on "web" {
  run = "cat /etc/acme/database.env; stat -c '%U:%G %a' /etc/acme/database.env; test -e /run/acme-reloaded"
  lines = [
    "ACME_COLOUR=blue",
    "MONGODB_ADDRESSES=10.77.1.11,10.77.1.12,10.77.1.13",
    "MONGODB_REPLICA_SET=orders",
    "deploy:www-data 640",
  ]
}

nothing_to_do {}

replform "status" { matches = ["(?s)streaming.*streaming"] }

# An election that goes another way is told, and neither an error nor undone.
on "db1" { run = "labmongo step-down" }

wait "here" {
  run    = "replform status"
  within = "40s"
  lacks  = ["unknown"]
}

replform "plan -detailed-exitcode" {
  exit = 0
  says = ["the set elected", "never fights"]
}
