about = "A replica leaves the configuration, then the whole replication, replform killed in the middle of both: both are standalone with every acknowledged write, and nothing of ours is left."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-mysql"
  address = "10.77.1.12"
}

host "db3" {
  image   = "sid-bare"
  address = "10.77.1.13"
}

host "web" {
  image   = "sid-bare"
  address = "10.77.1.21"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "50" }
}

on "web" { script = "app-env.sh" }

on "db1" {
  script = "state.sh"
  save   = "as_before"
}

writer_starts "db1" {}

replform "apply -auto-approve" {}

# The reader goes while the primary takes writes; replform dies while the reader catches up.
page "one.rf.hcl" {}

on "db2" { script = "hold.sh" }

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

start "cut" { replform = "apply -auto-approve" }

wait "db2" {
  script = "waits.sh"
  with   = { statement = "wait_for_executed_gtid_set" }
}

kill "cut" {}

on "db2" { run = "systemctl stop hold" }

replform "apply -auto-approve -lock-timeout=60s" { lacks = ["be asked"] }

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

on "db2" { run = "test $unlinked -ge $before && mysql -e 'create table app.own (n int)'" }

on "db2" {
  script = "left.sh"
  prints = ""
}

on "web" {
  run   = "cat /etc/acme/database.env"
  lines = ["MYSQL_REPLICA_ADDRESSES_INT=10.77.1.13"]
}

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db3"]
}

# Nothing is left of the replication in the configuration; replform dies when the replica follows nobody any more and still has accounts.
page "none.rf.hcl" {}

on "db1" {
  script = "contents.sh"
  save   = "contents"
}

on "db3" { script = "hold.sh" }

start "cut again" { replform = "apply -auto-approve" }

wait "db3" {
  script = "waits.sh"
  with   = { statement = "drop user\\|reset replica all" }
}

kill "cut again" {}

on "db3" { run = "systemctl stop hold" }

replform "apply -auto-approve -lock-timeout=60s" { lacks = ["be asked"] }

nothing_to_do {}

on "db3" {
  script = "contents.sh"
  prints = contents
}

on "db3" {
  script = "left.sh"
  prints = ""
}

# They take writes, also after a restart.
on "db1" "db2" "db3" { run = "systemctl restart mysql; mysql -e 'create table app.later (n int)'; mysql -NBe 'show variables like \"read_only\"' | grep -w OFF" }

# Apps on other hosts have the primary's address: it goes on listening there, which the plan says. All else is as it was.
on "db1" {
  script = "left.sh"
  prints = "/etc/mysql/mysql.conf.d/zz-replform.cnf\n/etc/mysql/mysql.conf.d/zz-replform.cnf\nbind_address = 127.0.0.1,10.77.1.11"
}

on "db1" {
  script = "state.sh"
  prints = as_before
}

on "web" {
  run = "cat /etc/acme/database.env"
  lines = [
    "ACME_COLOUR=blue",
    "MYSQL_ADDRESS=10.77.1.11",
    "MYSQL_REPLICA_ADDRESSES_INT=",
  ]
  lacks = ["replform"]
}
