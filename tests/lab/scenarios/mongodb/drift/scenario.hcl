about = "No false alarm on an idle and on a busy set; each thing that somebody changes by hand is named, and mended or left to a person."

host "db1" {
  image   = "bookworm-mongodb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-mongobare"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-mongobare"
  address = "10.77.1.13"
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
  matches = ["^acme: 4 pending on 3 members: "]
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

# A member's file is changed by hand: it would be no member after a restart. And the app's block.
on "db2" { run = "sed -i 's/replSetName: .*/replSetName: other/; s/bindIp: .*/bindIp: 127.0.0.1/' /etc/mongod.conf" }

on "web" { run = "sed -i 's/^\\(MONGODB_ADDRESSES\\)=.*/\\1=10.77.1.99/' /etc/acme/database.env" }

replform "drift -format markdown" {
  exit = 2
  says = [
    "| drift | eu/db2 | its /etc/mongod.conf says replication.replSetName \"other\", and it runs with \"orders\"",
    "| drift | eu/web | /etc/acme/database.env is not as wanted",
  ]
}

replform "plan" {
  says = ["nothing restarts"]
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 3 members" }

# The replica's server is stopped.
on "db2" { run = "systemctl stop mongod" }

replform "drift" {
  exit   = 2
  prints = "acme: 1 drift on 3 members: eu/db2: its server is stopped (replform plan shows the way back)"
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 3 members" }

# Another primary by hand: an election is told, never fought.
on "db1" { run = "labmongo step-down" }

wait "here" {
  run    = "replform status"
  within = "40s"
  lacks  = ["unknown"]
}

replform "drift" {
  exit = 2
  says = ["eu/db1: is written as the primary, but the set elected eu/db"]
}

# A host that can't be looked at is never taken for good news, and what is known can be left out.
cut "web" {}

replform "drift -format nagios" {
  exit = 3
  says = ["REPLFORM UNKNOWN - acme: ", "unreachable=1"]
}

heal "web" {}
