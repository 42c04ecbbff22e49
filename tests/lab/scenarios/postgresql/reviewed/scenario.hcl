about = "From a change in a repository to drift: observed by a trusted job, planned without keys, applied by hash, watched."

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

# Somebody writes the page; the trusted job looks at the servers.
on "here" {
  run = "git init -q . && git add main.rf.hcl && git -c user.name=Ada -c user.email=ada@example.org commit -qm 'a replica for orders'"
}

replform "drift" {
  exit    = 2
  matches = ["^acme: [0-9] pending on 2 members: "]
}

replform "observe -o facts.json" {}

# The pull request's job.
on "here" {
  script  = "review.sh"
  save    = "hash"
  matches = ["^[0-9a-f]{64}\n$"]
}

# What was reviewed is stable: the same facts give the same comment.
on "here" { run = "cp comment.md first.md && bash -c 'unshare --net replform plan -observed facts.json -format markdown -max-size 65536' | cmp - first.md" }

# A fact changes between review and apply: somebody gives the app the variable by hand. It is shown, and nothing is done.
on "web" { run = "echo POSTGRESQL_PORT=6432 >>/etc/acme/database.env" }

on "here" {
  run  = "replform apply -auto-approve -expect-plan=$hash"
  exit = 6
  says = ["/etc/acme/database.env:2 sets POSTGRESQL_PORT outside replform's block"]
}

on "web" { run = "sed -i /POSTGRESQL_PORT/d /etc/acme/database.env" }

# Exactly what was reviewed.
on "here" {
  run    = "replform apply -auto-approve -expect-plan=$hash"
  within = "300s"
}

replform "drift" { prints = "acme: no drift on 2 members" }

replform "history" {
  says = ["all done", "orders.reader.link: done", "orders.reader.account: role replform_orders_reader"]
}

# Servers are changed by hand: each change is named, and apply is the way back.
on "web" { run = "sed -i 's/^POSTGRESQL_REPLICA_ADDRESSES_INT=.*/POSTGRESQL_REPLICA_ADDRESSES_INT=10.77.1.99/' /etc/acme/database.env" }

replform "drift" {
  exit   = 2
  prints = "acme: 1 drift on 2 members: eu/web: POSTGRESQL_REPLICA_ADDRESSES_INT is 10.77.1.99, wanted 10.77.1.12 (replform plan shows the way back)"
}

replform "drift -ignore=stack.eu.app.web" { prints = "acme: no drift on 2 members" }

on "db1" { run = "cd / && runuser -u postgres -- psql -qc 'drop role replform_orders_reader'" }

replform "drift -format nagios" {
  exit = 2
  says = ["REPLFORM CRITICAL", "eu/db2: its role replform_orders_reader is gone on eu/db1"]
}

on "db1" { run = "cd / && runuser -u postgres -- psql -qc \"alter system set max_slot_wal_keep_size = '4GB'\" -c 'select pg_reload_conf()' >/dev/null && sleep 1" }

replform "drift -format json" {
  exit = 2
  says = ["max_slot_wal_keep_size"]
}

on "db1" { run = "cd / && runuser -u postgres -- psql -qc 'alter system reset max_slot_wal_keep_size' -c 'select pg_reload_conf()' >/dev/null && sleep 1" }

replform "apply -auto-approve" {}

nothing_to_do {}

# A replica that stopped, and a replica that was promoted.
on "db2" { run = "systemctl stop postgresql@15-main" }

replform "drift" {
  exit    = 2
  matches = ["1 drift on 2 members: eu/db2: .*"]
}

replform "apply -auto-approve" {}

on "db2" { run = "cd / && runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_ctl promote -w -D /var/lib/postgresql/15/main >/dev/null" }

replform "drift" {
  exit = 2
  says = ["eu/db2: is writable and has the system identifier of eu/db1"]
}

replform "plan -detailed-exitcode" { exit = 4 }

# A host that can't be looked at is never taken for good news.
cut "web" {}

replform "drift -format nagios" {
  exit = 3
  says = ["REPLFORM UNKNOWN"]
}

heal "web" {}
