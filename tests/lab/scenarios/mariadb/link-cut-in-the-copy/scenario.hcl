about = "The replica's link is cut for twenty seconds in the middle of the copy; the apply survives it."

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

cut "db2" { lasting = "20s" }

finish "first" {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
