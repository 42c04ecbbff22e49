about = "PostgreSQL 17 between stacks, to a public address of its own, with replform killed while it makes certificates and again in the copy."

host "db1" {
  image   = "trixie-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "trixie-bare"
  address = "10.77.2.11"
}

on "db1" { run = "ip address add 10.77.8.11/16 dev $(ip -o -4 address show | awk '/10.77.1.11/ { print $2 }')" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "20" }
}

writer_starts "db1" {}

replform "plan" { says = ["localhost, 10.77.1.11, 10.77.8.11"] }

start "first" { replform = "apply -auto-approve" }

hear "first" { says = "secure" }

kill "first" {}

start "second" { replform = "apply -auto-approve" }

hear "second" { says = "backup" }

kill "second" {}

replform "apply -auto-approve" { says = ["encrypted: TLSv1.3"] }

writer_stops { longest_pause = "10s" }

on "db1" {
  script = "position.sh"
  save   = "position"
}

wait "db2" {
  script = "caught-up.sh"
  with   = { primary = "10.77.8.11", position = position }
}

on "db1" {
  script = "contents.sh"
  save   = "contents"
}

on "db2" {
  script = "contents.sh"
  prints = contents
}

nothing_to_do {}

on "db1" {
  run    = "cd / && runuser -u postgres -- psql -XAtc \"select usename, ssl from pg_stat_replication join pg_stat_ssl using (pid)\" postgres"
  prints = "replform_orders_reader|t"
}
