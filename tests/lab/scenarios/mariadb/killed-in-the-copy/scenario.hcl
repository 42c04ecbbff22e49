about = "replform is killed in the middle of the copy; the next apply takes the copy up and copies nothing twice."

host "db1" {
  image   = "bookworm-mariadb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-mariadb"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "60" }
}

writer_starts "db1" {}

start "first" { replform = "apply -auto-approve" }

wait "db2" { script = "mid-copy.sh" }

kill "first" {}

replform "apply -auto-approve -lock-timeout=30s" { says = ["goes on with the job"] }

writer_stops {}

# The copy was not begun anew.
on "db1" {
  script = "copies.sh"
  prints = "1"
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
