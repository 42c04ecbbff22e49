about = "The host of a new member loses its power in the middle of the copy; the next apply ends well, the primary never stops."

host "db1" {
  image   = "bookworm-mongodb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-mongodb"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-mongodb"
  address = "10.77.1.13"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "60" }
}

# So slow that something can happen in the middle of the copy.
on "db1" { run = "tc qdisc add dev eth0 root tbf rate 40mbit burst 64kb latency 400ms" }

start "first" { replform = "apply -auto-approve" }

wait "db2" { script = "mid-copy.sh" }

writer_starts "db1" {}

power_off "db2" {}

# An apply waits minutes for a host to come back; this one goes too.
kill "first" {}

power_on "db2" {}

on "db1" { run = "tc qdisc del dev eth0 root" }

replform "apply -auto-approve -lock-timeout=30s" {}

writer_stops { longest_pause = "2s" }

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

# Every member has its vote, and nothing was set aside.
on "db1" {
  run   = "labmongo votes"
  lines = ["10.77.1.11:27017 1", "10.77.1.12:27017 1", "10.77.1.13:27017 1"]
}

on "db2" {
  run    = "ls -d /var/lib/mongodb*; ls -d /var/lib/replform/jobs/* 2>/dev/null || true"
  prints = "/var/lib/mongodb"
}

nothing_to_do {}
