about = "A member was away for longer than the oplog reaches: it is not waited for, and copies anew beside what it had."

host "db1" {
  image   = "bookworm-mongodb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-mongodb"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-mongodb"
  address = "10.77.1.13"
}
# The smallest log that mongod makes.
on "db1" { run = "printf 'replication:\\n  oplogSizeMB: 20\\n' >>/etc/mongod.conf" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "5" }
}

replform "apply -auto-approve" {}

on "db2" { run = "systemctl stop mongod" }

# What the log holds beyond its size goes at a checkpoint, once a minute.
on "db1" {
  run    = "labmongo fill crm 200; sleep 65; labmongo fill crm2 40; sleep 65; labmongo fill crm3 1"
  within = "280s"
}

# A server that is stopped doesn't tell how far it is behind.
replform "apply -auto-approve" {
  exit = 7
  says = ["no longer keeps the writes that it needs"]
}

replform "plan -detailed-exitcode" {
  exit = 2
  says = ["needs the oplog from", "set its data directory aside"]
}

writer_starts "db1" {}

replform "apply -auto-approve" {}

writer_stops { longest_pause = "2s" }

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

on "db1" {
  run   = "labmongo votes"
  lines = ["10.77.1.11:27017 1", "10.77.1.12:27017 1", "10.77.1.13:27017 1"]
}

# What it had is still there.
on "db2" { run = "ls /var/lib/mongodb.replform-2*/WiredTiger" }

nothing_to_do {}
