about = "The link of a new member is cut for twenty seconds in the middle of its copy; the apply survives it."

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

cut "db2" { lasting = "20s" }

finish "first" {}

writer_stops { longest_pause = "2s" }

on "db1" { run = "tc qdisc del dev eth0 root" }

# The copy went on; none was begun anew.
on "db2" {
  run    = "grep -c '\"msg\":\"Initial sync attempt finishing up\"' /var/log/mongodb/mongod.log"
  prints = "1"
}

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

nothing_to_do {}
