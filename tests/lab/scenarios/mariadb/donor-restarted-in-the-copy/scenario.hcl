about = "The primary restarts in the middle of the copy: that copy is given up with the reason, the next one ends well."

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

on "db1" { run = "systemctl restart mariadb" }

finish "first" {
  exit = 7
  says = ["mariadb-backup failed on the donor", "the half copy was removed"]
}

# The server that was there is as it was, and no half copy is left.
on "db2" { run = "systemctl is-active mariadb && ! ls -d /var/lib/mysql.replform-*" }

replform "apply -auto-approve" {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
