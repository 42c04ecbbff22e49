about = "PostgreSQL 17 on Debian trixie becomes replicated as 15 does on bookworm."

host "db1" {
  image   = "trixie-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "trixie-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "20" }
}

on "db1" {
  run     = "runuser -u postgres -- psql -XAtc 'show server_version' postgres"
  matches = ["^17\\."]
}

writer_starts "db1" {}

replform "apply -auto-approve" {}

writer_stops {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
