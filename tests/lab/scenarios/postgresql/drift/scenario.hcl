about = "No false alarm on an idle and on a busy set; a slot and the lines of pg_hba.conf that are gone are named and mended (postgresql/reviewed has the other kinds)."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

host "web" {
  image   = "bookworm-bare"
  address = "10.77.1.21"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "20" }
}

on "web" { script = "app-env.sh" }

# Before the first apply it is the page that changed.
replform "drift" {
  exit    = 2
  matches = ["^acme: 3 pending on 2 members: "]
}

replform "apply -auto-approve" {}

on "here" {
  script = "drift-often.sh"
  with   = { times = "20" }
  within = "3600s"
}

writer_starts "db1" {}

on "here" {
  script = "drift-often.sh"
  with   = { times = "20" }
  within = "3600s"
}

writer_stops {}

# The replica is made to lag behind: told, and nothing that apply would mend.
on "db2" { run = "cd / && runuser -u postgres -- psql -qc \"alter system set recovery_min_apply_delay = '1h'\" -c 'select pg_reload_conf()' >/dev/null" }

on "db1" { run = "cd / && runuser -u postgres -- psql -qc 'create table if not exists late (n int)' -c 'insert into late values (1)'" }

wait "here" {
  run     = "replform drift"
  exit    = 2
  matches = ["^acme: 1 unhealthy on 2 members: eu/db2: .*[(]replform status shows more[)]"]
}

on "db2" { run = "cd / && runuser -u postgres -- psql -qc 'alter system reset recovery_min_apply_delay' -c 'select pg_reload_conf()' >/dev/null" }

wait "here" {
  run    = "replform drift"
  prints = "acme: no drift on 2 members"
}

# The lines that let the replica in are taken out of pg_hba.conf: the link that runs doesn't notice yet.
on "db1" { run = "sed -i '/replform_orders_reader/d' /etc/postgresql/15/main/pg_hba.conf && systemctl reload postgresql@15-main" }

replform "drift" {
  exit   = 2
  prints = "acme: 1 drift on 2 members: eu/db2: the lines of replform_orders_reader in pg_hba.conf of eu/db1 are gone (replform plan shows the way back)"
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The slot is dropped while its replica is down: the replica comes back and can't read.
on "db2" { run = "systemctl stop postgresql@15-main" }

on "db1" { run = "cd / && runuser -u postgres -- psql -qc \"select pg_drop_replication_slot('replform_orders_reader')\" >/dev/null" }

on "db2" { run = "systemctl start postgresql@15-main" }

replform "drift -format markdown" {
  exit = 2
  says = ["| drift | eu/db2 | ", "slot"]
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }
