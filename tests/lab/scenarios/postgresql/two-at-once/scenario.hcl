about = "Two replications copy onto one host at once and keep apart, though both primaries have one system identifier."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-pg"
  address = "10.77.1.13"
}

# Both primaries come from one image: only the data tells them apart.
on "db1" "db3" {
  script = "load.sh"
  with   = { megabytes = "50" }
}

on "db1" {
  script = "whose.sh"
  with   = { name = "orders" }
}

on "db3" {
  script = "whose.sh"
  with   = { name = "billing" }
}

start "first" { replform = "apply -auto-approve" }

wait "db2" {
  run    = "pgrep -xc pg_basebackup"
  prints = "2"
}

finish "first" {}

on "db2" {
  script = "follows.sh"
  with   = { port = "5432" }
  prints = "orders|10.77.1.11|streaming"
}

on "db2" {
  script = "follows.sh"
  with   = { port = "5433" }
  prints = "billing|10.77.1.13|streaming"
}

nothing_to_do {}
