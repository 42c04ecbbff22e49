about = "A replica leaves the configuration, then the whole replication: both are standalone with every acknowledged write, and nothing of ours is left."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-pg"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-bare"
  address = "10.77.1.13"
}

host "web" {
  image   = "bookworm-bare"
  address = "10.77.1.21"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "50" }
}

on "web" { script = "app-env.sh" }

writer_starts "db1" {}

replform "apply -auto-approve" {}

# The reader goes while the primary takes writes.
page "one.rf.hcl" {}

on "db1" {
  script = "highest.sh"
  save   = "before"
}

replform "plan -detailed-exitcode" {
  exit    = 2
  says    = ["unlink", "cleanup"]
  matches = ["(?m)^Plan: 0 to add, .* 1 to destroy\\."]
}

replform "drift" {
  exit = 2
  says = ["pending", "eu/db2: the configuration has this replica no more"]
}

replform "apply -auto-approve" {}

nothing_to_do {}

on "db2" {
  script = "highest.sh"
  save   = "unlinked"
}

on "db2" {
  script = "prefix.sh"
  save   = "here"
}

on "db1" {
  script = "prefix.sh"
  with   = { upto = "${unlinked}" }
  prints = here
}

on "db2" { run = "test $unlinked -ge $before && runuser -u postgres -- psql -Xqc 'create table own (n int)'" }

on "db2" {
  script = "left.sh"
  prints = ""
}

on "web" {
  run   = "cat /etc/acme/database.env"
  lines = ["POSTGRESQL_REPLICA_ADDRESSES_INT=10.77.1.13"]
}

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db3"]
}

# Nothing is left of the replication in the configuration.
page "none.rf.hcl" {}

on "db1" {
  script = "contents.sh"
  save   = "contents"
}

replform "apply -auto-approve" {}

nothing_to_do {}

on "db3" {
  script = "contents.sh"
  prints = contents
}

on "db3" {
  script = "left.sh"
  prints = ""
}

# They take writes.
on "db1" "db3" { run = "runuser -u postgres -- psql -Xqc 'create table own (n int)'" }

# Apps on other hosts have the primary's address: it goes on listening there, which the plan says.
on "db1" {
  script = "left.sh"
  prints = "/etc/postgresql/15/main/conf.d/90-replform.conf\n/etc/postgresql/15/main/conf.d/90-replform.conf\nsetting listen_addresses"
}

on "web" {
  run = "cat /etc/acme/database.env"
  lines = [
    "ACME_COLOUR=blue",
    "POSTGRESQL_ADDRESS=10.77.1.11",
    "POSTGRESQL_REPLICA_ADDRESSES_INT=",
  ]
  lacks = ["replform"]
}
