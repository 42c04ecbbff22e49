about = "The replica's host loses its power in the middle of the copy; the next apply ends well and leaves no half copy."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "100" }
}

start "first" { replform = "apply -auto-approve" }

wait "db2" { script = "mid-copy.sh" }

power_off "db2" {}

finish "first" { fails = true }

power_on "db2" {}

replform "apply -auto-approve -lock-timeout=30s" {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}

on "db2" {
  run    = "ls -A /var/lib/mysql-files"
  prints = ""
}
