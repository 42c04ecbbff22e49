about = "The primary restarts and the replica goes on by itself; an account that somebody took away is mended without a copy, a promotion isn't undone."

host "db1" {
  image   = "bookworm-redis"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "60" }
}

replform "apply -auto-approve" {}

writer_starts "db1" {}

on "db1" { run = "systemctl restart redis-server" }

wait "db2" {
  run   = "redis-cli info replication | tr -d '\\r'"
  lines = ["master_link_status:up"]
}

writer_stops {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}

# Somebody takes the account away: the link is mended without a copy.
on "db1" { run = "redis-cli acl deluser replform_orders_reader" }

replform "plan -detailed-exitcode" {
  exit  = 2
  says  = ["create user", "WRONGPASS"]
  lacks = ["backup"]
}

replform "apply -auto-approve" {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

# Somebody's REPLICAOF NO ONE isn't undone, as writes may have come since.
on "db2" { run = "redis-cli replicaof no one && redis-cli set own 1" }

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["may hold writes of its own", "replace_data"]
}
