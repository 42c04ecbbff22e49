about = "A replica's host is gone for ever: nothing is taken apart until a reviewed line gives it up, then the primary forgets it."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-bare"
  address = "10.77.1.13"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "20" }
}

replform "apply -auto-approve" {}

power_off "db2" {}

page "left.rf.hcl" {}

replform "plan -detailed-exitcode" {
  exit  = 3
  says  = ["left the configuration, but it is left as it is", "removed { from = replication.orders.replica.reader }"]
  lacks = ["cleanup"]
}

page "removed.rf.hcl" {}

replform "apply -auto-approve" {
  says = ["is given up, as removed says"]
}

on "db1" {
  run    = "runuser -u postgres -- psql -XAtqc 'select slot_name from pg_replication_slots'"
  prints = "replform_orders_standby"
}

nothing_to_do {}
