about = "The replica's host loses its power when its data directory was just swapped in; the next apply ends well."

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

# The copy just became the data directory; the server isn't started yet, or just starting.
wait "db2" {
  run    = "until [ -s /var/lib/redis/dump.rdb ]; do :; done"
  within = "90s"
}

power_off "db2" {}

# An apply waits minutes for a host to come back; this one goes too.
kill "first" {}

power_on "db2" {}

replform "apply -auto-approve -lock-timeout=30s" {}

# The copy was not begun anew.
on "db1" {
  run    = "grep -c 'Starting BGSAVE for SYNC' /var/log/redis/redis-server.log"
  prints = "1"
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
