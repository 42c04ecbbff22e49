about = "The replica's host loses its power when its data directory was just swapped in; the next apply ends well."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

on "db1" { script = "log-copies.sh" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "100" }
}

start "first" { replform = "apply -auto-approve" }

wait "db1" { script = "mid-copy.sh" }

# The server isn't started yet, or just starting.
on "db2" { script = "until-swapped-in.sh" }

power_off "db2" {}

# Its client doesn't wait for the host to come back.
kill "first" {}

power_on "db2" {}

replform "apply -auto-approve -lock-timeout=30s" {}

# A finished copy isn't copied again.
on "db1" {
  run    = "grep -c 'received replication command: BASE_BACKUP' /var/log/postgresql/postgresql-15-main.log"
  prints = "1"
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
