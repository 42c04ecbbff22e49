about = "replform is killed in the middle of the copy and the link is cut; the next apply goes on, the primary never stops."

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

wait "db2" { run = "grep -qE '^[1-9][0-9]{6}' /var/lib/replform/jobs/acme.orders.reader.link.*/copied" }

kill "first" {}

writer_starts "db1" {}

start "second" { replform = "apply -auto-approve -lock-timeout=30s" }

hear "second" { says = "goes on with the job" }

# A member that copies has no vote: cut off, it can't take the primary's majority away.
cut "db2" { lasting = "15s" }

finish "second" {}

writer_stops { longest_pause = "2s" }

on "db1" { run = "tc qdisc del dev eth0 root" }

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

nothing_to_do {}
