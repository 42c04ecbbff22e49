about = "The replica's disk fills up in the middle of the copy: nobody is harmed, and space mends it."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-mysql"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "60" }
}

disk "db2" {
  path = "/srv/volume"
  size = "1200M"
}

on "db2" { script = "move-data.sh" }

writer_starts "db1" {}

start "first" { replform = "apply -auto-approve" }

wait "db2" { script = "mid-copy.sh" }

# Something else takes the rest of the disk.
on "db2" { run = "cat /dev/zero >/srv/volume/eater || true" }

finish "first" {
  exit = 7
  says = ["o space left on device"]
}

# The server that was there still runs, and no half copy is left.
on "db2" { run = "rm /srv/volume/eater && systemctl is-active mysql && ! ls -d /var/lib/mysql-files/*.replform-*" }

replform "apply -auto-approve" {}

writer_stops {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
