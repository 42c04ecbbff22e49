about = "No false alarm on an idle and on a busy set; each thing that somebody changes by hand is named, and mended or left to a person."

host "db1" {
  image   = "bookworm-mariadb"
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
on "db2" { run = "mariadb -e 'stop slave; change master to master_delay = 3600; start slave'" }

on "db1" { run = "mariadb -e 'create database if not exists late; drop database late'" }

wait "here" {
  run     = "replform drift"
  exit    = 2
  matches = ["^acme: 1 unhealthy on 2 members: eu/db2: .*[(]replform status shows more[)]"]
}

on "db2" { run = "mariadb -e 'stop slave; change master to master_delay = 0; start slave'" }

wait "here" {
  run    = "replform drift"
  prints = "acme: no drift on 2 members"
}

# Settings are changed by hand on both servers, and the app's block.
on "db2" { run = "mariadb -e \"set global read_only = off\"" }

on "db1" { run = "mariadb -e \"set global binlog_format = STATEMENT\"" }

on "web" { run = "sed -i 's/^\\(MARIADB_.*ADDRESS.*\\)=10.77.1.12$/\\1=10.77.1.99/' /etc/acme/database.env" }

replform "drift -format markdown" {
  exit = 2
  says = [
    "| drift | eu/db1 | binlog\\_format STATEMENT -&gt; ROW",
    "| drift | eu/db2 | it isn't read\\_only any more | ",
    "| drift | eu/web | /etc/acme/database.env is not as wanted",
  ]
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The replica's account is dropped; the link that runs doesn't notice yet.
on "db1" { run = "mariadb -e \"drop user replform_orders_reader@'10.77.1.12'\"" }

replform "drift" {
  exit = 2
  says = ["eu/db2: its account replform_orders_reader is gone on eu/db1"]
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The replica's server is stopped.
on "db2" { run = "systemctl stop mariadb" }

replform "drift" {
  exit   = 2
  prints = "acme: 1 drift on 2 members: eu/db2: its server is stopped (replform plan shows the way back)"
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The replica is promoted and written to: a person has to choose.
on "db2" { run = "mariadb -e \"stop slave; reset slave all; set global read_only = off; create database own\"" }

replform "drift" {
  exit = 2
  says = ["eu/db2: "]
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["replace_data"]
}

# A host that can't be looked at is never taken for good news, and what is known can be left out.
cut "web" {}

replform "drift -format nagios" {
  exit = 3
  says = ["REPLFORM UNKNOWN - acme: ", "unreachable=1"]
}

heal "web" {}
