about = "MariaDB 11.8 between stacks: its own certificate in memory gives way to one of the replication's authority."

host "db1" {
  image   = "trixie-bare"
  address = "10.77.1.11"
}

host "db2" {
  image   = "trixie-bare"
  address = "10.77.2.11"
}

on "db1" { run = "DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mariadb-server >/dev/null 2>&1; systemctl is-active mariadb" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "20" }
}

writer_starts "db1" {}

replform "apply -auto-approve" { says = ["encrypted: the account asks for the certificate"] }

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
