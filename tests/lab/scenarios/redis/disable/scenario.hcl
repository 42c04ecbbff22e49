about = "A replica leaves the configuration, then the whole replication, replform killed in the middle of both: standalone with every acknowledged write, settings as before, nothing of ours left."

host "db1" {
  image   = "bookworm-redis"
  address = "10.77.1.11"
}

# It had a server before.
host "db2" {
  image   = "bookworm-redis"
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

on "db1" {
  script = "settings.sh"
  save   = "primary_before"
}

on "db2" {
  script = "settings.sh"
  save   = "replica_before"
}

writer_starts "db1" {}

replform "apply -auto-approve" {}

# The reader goes while the primary takes writes.
page "one.rf.hcl" {}

on "db1" {
  script = "highest.sh"
  save   = "before"
}

replform "plan -detailed-exitcode" {
  exit    = 2
  says    = ["unlink", "cleanup"]
  matches = ["(?m)^Plan: 0 to add, .* 1 to destroy\\."]
}

# Killed while the replica saves its data; what the script began goes on until it writes.
start "unlink" { replform = "apply -auto-approve" }

hear "unlink" { says = "unlink" }

kill "unlink" {}

replform "apply -auto-approve -lock-timeout=60s" {}

nothing_to_do {}

on "db2" {
  script = "highest.sh"
  save   = "unlinked"
}

on "db2" {
  script = "prefix.sh"
  with   = { upto = "${unlinked}" }
  save   = "here"
}

on "db1" {
  script = "prefix.sh"
  with   = { upto = "${unlinked}" }
  prints = here
}

on "db2" { run = "test $unlinked -ge $before && test \"$(redis-cli set own yes)\" = OK" }

on "db2" {
  script = "left.sh"
  prints = ""
}

on "db2" {
  script = "settings.sh"
  prints = replica_before
}

# What it had when it was unlinked is on its disk: it survives a crash, and comes back as a standalone.
on "db2" { run = "kill -9 $(systemctl show -p MainPID --value redis-server)" }

wait "db2" { run = "test \"$(redis-cli info replication | tr -d '\\r' | grep ^role)\" = role:master && test \"$(redis-cli lindex writer -1)\" -ge $before && redis-cli set own yes" }

on "web" {
  run   = "cat /etc/acme/database.env"
  lines = ["REDIS_REPLICA_ADDRESSES_INT=10.77.1.13"]
}

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db3"]
}

# Nothing is left of the replication in the configuration.
page "none.rf.hcl" {}

on "db1" {
  script = "contents.sh"
  save   = "contents"
}

start "disable" { replform = "apply -auto-approve" }

hear "disable" { says = "unlink" }

kill "disable" {}

replform "apply -auto-approve -lock-timeout=60s" {}

nothing_to_do {}

on "db3" {
  script = "contents.sh"
  prints = contents
}

on "db3" {
  script = "left.sh"
  prints = ""
}

# They take writes, also after a restart.
on "db1" "db3" { run = "systemctl restart redis-server" }

wait "db1" { run = "test \"$(redis-cli info replication | tr -d '\\r' | grep ^role)\" = role:master && test \"$(redis-cli set own yes)\" = OK" }

wait "db3" { run = "test \"$(redis-cli info replication | tr -d '\\r' | grep ^role)\" = role:master && test \"$(redis-cli set own yes)\" = OK" }

# Apps on other hosts have the primary's address: it goes on listening there. The rest is as before.
on "db1" {
  script = "left.sh"
  prints = ""
}

on "db1" {
  script = "put-back.sh"
  with   = { before = primary_before }
  prints = "bind\nprotected-mode"
}

on "web" {
  run = "cat /etc/acme/database.env"
  lines = [
    "ACME_COLOUR=blue",
    "REDIS_ADDRESS=10.77.1.11",
    "REDIS_REPLICA_ADDRESSES_INT=",
  ]
  lacks = ["replform"]
}
