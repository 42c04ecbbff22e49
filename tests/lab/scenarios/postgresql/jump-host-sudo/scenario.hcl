about = "Everything goes through a jump host, as a user with sudo."

host "gate" {
  image   = "bookworm-bare"
  address = "10.77.1.2"
}

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

host "web" {
  image   = "bookworm-bare"
  address = "10.77.1.21"
}

# replform itself reaches the jump host and nothing else.
on "here" { run = "for hidden in 11 12 21; do ip route add blackhole 10.77.1.$hidden; done" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "20" }
}

on "web" { script = "app-env.sh" }

writer_starts "db1" {}

replform "apply -auto-approve" {}

writer_stops {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

on "web" {
  run   = "cat /etc/acme/database.env"
  lines = ["POSTGRESQL_REPLICA_ADDRESSES_INT=10.77.1.12"]
}

nothing_to_do {}
