about = "The replica's host loses its power in the middle of the copy; the next apply begins it anew."

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

start "first" { replform = "apply -auto-approve" }

wait "db2" { run = "test \"$(stat -c %s /var/lib/redis.replform-copy/dump.rdb)\" -gt 10000000" }

power_off "db2" {}

# An apply waits minutes for a host to come back; this one goes too.
kill "first" {}

power_on "db2" {}

replform "apply -auto-approve -lock-timeout=30s" {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
