about = "A new member's disk fills up in the middle of its copy: nobody is harmed, and space mends it."

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

disk "db2" {
  path = "/srv/volume"
  size = "700M"
}

on "db2" { script = "data-on-the-disk.sh" }

# So slow that something can happen in the middle of the copy.
on "db1" { run = "tc qdisc add dev eth0 root tbf rate 40mbit burst 64kb latency 400ms" }

start "first" { replform = "apply -auto-approve" }

wait "db2" { script = "mid-copy.sh" }

writer_starts "db1" {}

# Something else takes the rest of the disk.
on "db2" { run = "cat /dev/zero >/srv/volume/eater || true" }

finish "first" {
  exit = 7
  says = ["o space left on device"]
}

# The member without its copy has no vote: that it is down costs nobody anything.
on "db1" {
  run   = "labmongo votes"
  lines = ["10.77.1.11:27017 1", "10.77.1.12:27017 0"]
}

on "db2" { run = "rm /srv/volume/eater && test -e /srv/volume/mongodb/replform.new" }

replform "apply -auto-approve" {}

writer_stops { longest_pause = "2s" }

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

# Its empty directory was begun once: nothing was set aside for the second try.
on "db2" {
  run    = "ls -d /srv/volume/mongodb*"
  prints = "/srv/volume/mongodb"
}

nothing_to_do {}
