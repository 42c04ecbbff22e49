about = "A primary that listens already is not restarted, and no connection is lost."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

on "db1" { script = "listens-already.sh" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "50" }
}

on "db1" {
  script = "started.sh"
  save   = "started"
}

writer_starts "db1" {}

replform "plan" { lacks = ["RESTARTS"] }

replform "apply -auto-approve" {}

writer_stops {
  longest_pause    = "5s"
  lost_connections = 0
}

on "db1" {
  script = "started.sh"
  prints = started
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
