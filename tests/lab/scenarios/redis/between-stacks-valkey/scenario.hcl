about = "Valkey 8.1 between stacks, by a TLS port of its own."

host "db1" {
  image   = "trixie-bare"
  address = "10.77.1.11"
}

host "db2" {
  image   = "trixie-bare"
  address = "10.77.2.11"
}

on "db1" { run = "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends valkey-server >/dev/null 2>&1; systemctl is-active valkey-server" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "10" }
}

writer_starts "db1" {}

replform "apply -auto-approve" { says = ["encrypted: by port 6380, which asks for a certificate"] }

writer_stops { longest_pause = "3s" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
