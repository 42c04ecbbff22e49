about = "No false alarm on an idle and on a busy set; each thing that somebody changes by hand is named, and mended or left to a person."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-bare"
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
on "db2" { run = "mysql -e 'stop replica sql_thread; change replication source to source_delay = 3600; start replica sql_thread'" }

on "db1" { run = "mysql -e 'create database if not exists late; drop database late'" }

wait "here" {
  run     = "replform drift"
  exit    = 2
  matches = ["^acme: 1 unhealthy on 2 members: eu/db2: .*[(]replform status shows more[)]"]
}

on "db2" { run = "mysql -e 'stop replica sql_thread; change replication source to source_delay = 0; start replica sql_thread'" }

wait "here" {
  run    = "replform drift"
  prints = "acme: no drift on 2 members"
}

# Settings are changed by hand on both servers, and the app's block.
on "db2" { run = "mysql -e \"set global super_read_only = off; set global read_only = off\"" }

on "db1" { run = "mysql -e \"set global gtid_mode = on_permissive\"" }

on "web" { run = "sed -i 's/^\\(MYSQL_.*ADDRESS.*\\)=10.77.1.12$/\\1=10.77.1.99/' /etc/acme/database.env" }

replform "drift -format markdown" {
  exit = 2
  says = [
    "| drift | eu/db1 | gtid\\_mode ON\\_PERMISSIVE -&gt; ON",
    "| drift | eu/db2 | super\\_read\\_only is off: it takes writes | ",
    "| drift | eu/web | /etc/acme/database.env is not as wanted",
  ]
}

# A replica has to take each step of this one too: that is for a person, and the plan says how.
replform "apply -auto-approve" {
  exit = 4
  says = ["gtid_mode must be turned on here, but it has replicas", "turn it on by hand"]
}

on "db1" { run = "mysql -e 'set global gtid_mode = on'" }

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The replica's account is dropped; the link that runs doesn't notice yet.
on "db1" { run = "mysql -e \"drop user replform_orders_reader@'10.77.1.12'\"" }

replform "drift" {
  exit = 2
  says = ["eu/db2: its account replform_orders_reader is gone on eu/db1"]
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The replica's server is stopped.
on "db2" { run = "systemctl stop mysql" }

replform "drift" {
  exit   = 2
  prints = "acme: 1 drift on 2 members: eu/db2: its server is stopped (replform plan shows the way back)"
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The replica is promoted and written to: a person has to choose.
on "db2" { run = "mysql -e \"stop replica; reset replica all; set global super_read_only = off; set global read_only = off; create database own\"" }

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
