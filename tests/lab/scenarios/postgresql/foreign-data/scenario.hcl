about = "Foreign data on a running server blocks the plan and is not touched."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-pg"
  address = "10.77.1.12"
}

# The other server was cloned from the same image: an equal system identifier is no proof of the same data.
on "db2" { script = "shop.sh" }

# A running server keeps its log and statistics going by itself, so only its tables are watched.
on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/postgresql/15/main/base" }
  save   = "before"
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["BLOCKED", "replace_data"]
}

replform "apply -auto-approve" { exit = 4 }

on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/postgresql/15/main/base" }
  prints = before
}

on "db1" {
  run    = "runuser -u postgres -- psql -XAtc 'select count(*) from pg_replication_slots' postgres"
  prints = "0"
}
