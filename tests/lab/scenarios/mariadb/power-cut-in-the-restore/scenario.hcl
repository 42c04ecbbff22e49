about = "The replica's host loses its power when its data directory was just swapped in; the next apply ends well."

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

start "first" { replform = "apply -auto-approve" }

wait "db2" { script = "mid-copy.sh" }

# The server isn't started yet, or just starting.
on "db2" { script = "until-swapped-in.sh" }

power_off "db2" {}

kill "first" {}

power_on "db2" {}

replform "apply -auto-approve -lock-timeout=30s" {}

# A finished copy isn't copied again.
on "db1" {
  script = "copies.sh"
  prints = "1"
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
