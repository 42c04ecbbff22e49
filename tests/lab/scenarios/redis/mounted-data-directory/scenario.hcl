about = "The data directories are mount points of their own: copies are made and swapped in inside of them, also over a server that is there."

host "db1" {
  image   = "bookworm-redis"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-redis"
  address = "10.77.1.13"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "60" }
}

# A volume that waits for a server to be installed, with what mkfs makes in it, and one that holds a fresh server.
on "db2" {
  script = "mount-volume.sh"
  with = {
    directory = "/var/lib/redis"
    unit      = ""
  }
}

# A dump without a key.
on "db3" { run = "redis-cli save" }

on "db3" {
  script = "mount-volume.sh"
  with = {
    directory = "/var/lib/redis"
    unit      = "redis-server"
  }
}

writer_starts "db1" {}

replform "apply -auto-approve" {}

writer_stops {}

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

# What was there, if anything, is set aside inside.
on "db2" "db3" {
  run   = "mountpoint -q /var/lib/redis; test -d /var/lib/redis/lost+found; ! test -e /var/lib/redis/.replform-swap; ! test -e /var/lib/redis/.replform-copy; stat -c '%U:%G %a' /var/lib/redis"
  lines = ["redis:redis 750"]
}

on "db3" { run = "test -s /var/lib/redis/.replform-2*/dump.rdb" }

nothing_to_do {}

power_off "db2" {}

power_on "db2" {}

wait "db2" {
  run  = "redis-cli info replication"
  says = ["master_link_status:up"]
}
