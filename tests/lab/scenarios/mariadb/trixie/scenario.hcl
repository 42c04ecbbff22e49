about = "The same with MariaDB 11.8: links are encrypted by themselves there."

host "db1" {
  image   = "trixie-mariadb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "trixie-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "50" }
}

writer_starts "db1" {}

replform "apply -auto-approve" {}

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}

on "db2" {
  run     = "mariadb -e 'show slave status\\G'"
  matches = ["Master_SSL_Allowed: Yes", "Master_SSL_Verify_Server_Cert: Yes"]
}
