about = "A finished copy whose upstream no longer keeps what comes after it is not swapped in: it is made anew."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

on "db1" { script = "log-copies.sh" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "100" }
}

start "first" { replform = "apply -auto-approve" }

wait "db1" { script = "mid-copy.sh" }

interrupt "first" {}

finish "first" { exit = 7 }

on "db1" { script = "forget-slots.sh" }

replform "plan" { lacks = ["is there already"] }

replform "apply -auto-approve -lock-timeout=30s" {}

on "db1" {
  run    = "grep -c 'received replication command: BASE_BACKUP' /var/log/postgresql/postgresql-15-main.log"
  prints = "2"
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
