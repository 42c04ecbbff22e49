about = "No false alarm on an idle and on a busy set; each thing that somebody changes by hand is named, and mended or left to a person."

host "db1" {
  image   = "bookworm-redis"
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

# Settings are changed by hand on both servers, and the app's block.
on "db1" { run = "redis-cli config set repl-backlog-size 1mb" }

replform "drift" {
  exit    = 2
  matches = ["^acme: 1 drift on 2 members: eu/db1: repl-backlog-size 1048576 -> [0-9]+ "]
}

on "db2" { run = "redis-cli config set replica-read-only no" }

on "web" { run = "sed -i 's/^\\(REDIS_.*ADDRESS.*\\)=10.77.1.12$/\\1=10.77.1.99/' /etc/acme/database.env" }

replform "drift -format markdown" {
  exit = 2
  says = [
    "| drift | eu/db1 | repl-backlog-size 1048576 -&gt; ",
    "| drift | eu/db2 | it takes writes (replica-read-only is off) | ",
    "| drift | eu/web | /etc/acme/database.env is not as wanted",
  ]
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The replica's account is dropped; the link that runs doesn't notice yet.
on "db1" { run = "redis-cli acl deluser replform_orders_reader" }

replform "drift" {
  exit = 2
  says = ["eu/db2: "]
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The replica's server is stopped.
on "db2" { run = "systemctl stop redis-server" }

replform "drift" {
  exit   = 2
  prints = "acme: 1 drift on 2 members: eu/db2: the server doesn't run or doesn't answer (replform plan shows the way back)"
}

replform "apply -auto-approve" {}

replform "drift" { prints = "acme: no drift on 2 members" }

# The replica is promoted and written to: a person has to choose.
on "db2" { run = "redis-cli replicaof no one && redis-cli set own 1" }

replform "drift" {
  exit = 2
  says = ["eu/db2: "]
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["may hold writes of its own"]
}

# A host that can't be looked at is never taken for good news, and what is known can be left out.
cut "web" {}

replform "drift -format nagios" {
  exit = 3
  says = ["REPLFORM UNKNOWN - acme: ", "unreachable=1"]
}

heal "web" {}
