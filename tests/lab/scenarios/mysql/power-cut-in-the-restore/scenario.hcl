about = "The replica's host loses its power when its data directory was just swapped in; the next apply ends well."

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

wait "db2" { run = "test -d /var/lib/mysql-files/mysql.replform-copy" }

# The server isn't started yet, or just starting.
on "db2" {
  script = "until-swapped-in.sh"
  within = "120s"
}

power_off "db2" {}

finish "first" { fails = true }

power_on "db2" {}

replform "apply -auto-approve -lock-timeout=30s" {}

# A finished copy isn't copied again.
on "db2" {
  run    = "ls -d /var/lib/mysql.replform-2* | wc -l"
  prints = "1"
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
