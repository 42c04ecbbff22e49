about = "The replica's disk fills up in the middle of the copy: nobody is harmed, and space mends it."

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

on "db2" {
  run = "mkdir -p /data && chmod 755 /data"
}

disk "db2" {
  path = "/data"
  size = "200M"
}

writer_starts "db1" {}

start "first" { replform = "apply -auto-approve" }

wait "db2" { run = "test \"$(stat -c %s /data/redis.replform-copy/dump.rdb)\" -gt 10000000" }

# Something else takes the rest of the disk.
on "db2" { run = "cat /dev/zero >/data/eater || true" }

finish "first" {
  exit = 7
  says = ["disk of /data/redis.replform-copy is full"]
}

# Nothing half swapped: the data directory is still the empty one that provision made, and nothing runs in it.
on "db2" { run = "test -z \"$(ls -A /data/redis)\" && ! systemctl is-active redis-server && ! ls -d /data/redis.replform-2*" }

on "db2" { run = "rm /data/eater" }

replform "apply -auto-approve" {}

writer_stops {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
