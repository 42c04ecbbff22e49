about = "The replica's disk fills up in the middle of the copy: nobody is harmed, and space mends it."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "100" }
}

disk "db2" {
  path = "/var/lib/postgresql"
  size = "700M"
}

writer_starts "db1" {}

start "first" { replform = "apply -auto-approve" }

wait "db1" { script = "mid-copy.sh" }

# Something else takes the rest of the disk.
on "db2" { run = "cat /dev/zero >/var/lib/postgresql/eater || true" }

finish "first" {
  exit = 7
  says = ["o space left on device"]
}

# Nothing half swapped: the data directory is still the empty cluster that provision made, and nothing runs in it.
on "db2" { run = "cd /var/lib/postgresql/15; ! test -e main/standby.signal && ! test -e main/postmaster.pid && ! ls -d main.replform-2*" }

on "db1" { script = "slots-are-capped.sh" }

on "db2" { run = "rm /var/lib/postgresql/eater" }

replform "apply -auto-approve" {}

writer_stops {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
