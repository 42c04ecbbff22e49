about = "A replica gets another label, which costs nothing, then another server: seeded there first, apps moved, the old one standalone."

host "db1" {
  image   = "bookworm-pg"
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
  with   = { megabytes = "50" }
}

on "web" { script = "app-env.sh" }

writer_starts "db1" {}

replform "apply -auto-approve" {}

page "renamed.rf.hcl" {}

# Markers alone: no account, no copy, no restart.
replform "plan -detailed-exitcode" {
  exit  = 2
  says  = ["copied nothing", "adopt"]
  lacks = ["account", "unlink", "cleanup"]
}

replform "apply -auto-approve" {}

nothing_to_do {}

page "moved.rf.hcl" {}

replform "plan -detailed-exitcode" {
  exit    = 2
  says    = ["unlink"]
  matches = ["(?m)^Plan: 1 to add, .* 1 to destroy\\."]
}

replform "apply -auto-approve" {}

nothing_to_do {}

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db3"]
}

on "db2" { run = "runuser -u postgres -- psql -Xqc 'create table own (n int)'" }

on "db1" {
  run    = "runuser -u postgres -- psql -XAtqc 'select count(*) from pg_replication_slots'"
  prints = "1"
}

on "web" {
  run   = "cat /etc/acme/database.env"
  lines = ["POSTGRESQL_REPLICA_ADDRESSES_INT=10.77.1.13"]
}
