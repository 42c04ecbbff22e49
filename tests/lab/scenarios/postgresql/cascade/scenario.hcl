about = "A standby reads from a reader; the reader leaves the configuration, and the standby goes on from the primary without a copy."

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

on "db1" {
  script = "load.sh"
  with   = { megabytes = "50" }
}

writer_starts "db1" {}

# Each copy comes from the upstream: the standby's from the reader, once that follows.
replform "plan -detailed-exitcode" {
  exit  = 2
  says  = ["copy from eu/db1", "copy from eu/db2", "stream from eu/db2"]
  lacks = ["blocked"]
}

replform "apply -auto-approve" {}

nothing_to_do {}

on "db3" {
  script = "source.sh"
  prints = "10.77.1.12 replform_orders_standby"
}

on "db1" {
  script = "kept.sh"
  prints = "slot replform_orders_reader\nlines replform_orders_reader"
}

on "db2" {
  script = "kept.sh"
  prints = "slot replform_orders_standby\nlines replform_orders_standby"
}

# All that was written until now is everywhere.
on "db1" {
  script = "highest.sh"
  save   = "before"
}

on "db1" {
  script = "prefix.sh"
  with   = { upto = "${before}" }
  save   = "rows"
}

wait "db2" {
  script = "prefix.sh"
  with   = { upto = "${before}" }
  prints = rows
}

wait "db3" {
  script = "prefix.sh"
  with   = { upto = "${before}" }
  prints = rows
}

on "db3" {
  script = "directory.sh"
  save   = "directory"
}

# The standby moves to the primary before the reader goes.
page "one.rf.hcl" {}

replform "plan -detailed-exitcode" {
  exit  = 2
  says  = ["reads from 10.77.1.12:5432, wanted 10.77.1.11:5432", "unlink"]
  lacks = ["copy from"]
}

replform "apply -auto-approve" {}

nothing_to_do {}

on "db3" {
  script = "source.sh"
  prints = "10.77.1.11 replform_orders_standby"
}

on "db3" {
  script = "directory.sh"
  prints = directory
}

on "db1" {
  script = "kept.sh"
  prints = "slot replform_orders_standby\nlines replform_orders_standby"
}

on "db2" {
  script = "left.sh"
  prints = ""
}

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

on "db2" { run = "runuser -u postgres -- psql -Xqc 'create table own (n int)'" }

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db3"]
}
