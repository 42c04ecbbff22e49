about = "Databases of a server that is to join block the plan and are not touched; allowed, its directory is set aside whole."

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

on "db1" "db2" {
  script = "load.sh"
  with   = { megabytes = "5" }
}

on "db2" { run = "labmongo fill crm 1" }

on "db2" {
  script = "contents.sh"
  save   = "before"
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["BLOCKED", "crm", "replace_data"]
}

replform "apply -auto-approve" { exit = 4 }

on "db2" {
  script = "contents.sh"
  prints = before
}

on "db2" {
  run    = "ls -d /var/lib/mongodb*; grep -c replSetName /etc/mongod.conf || true"
  prints = "/var/lib/mongodb\n0"
}

# What a reviewer allowed goes aside, and nothing else: a database that came later is looked at again, right before.
page "allowed.rf.hcl" {}

replform "plan -out ../p.plan" { says = ["set its data directory aside"] }

on "db2" { run = "labmongo fill later 1" }

replform "apply ../p.plan" { exit = 6 }

replform "plan -out ../p.plan" { says = ["later"] }

replform "apply ../p.plan" {}

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

nothing_to_do {}

# The directory that was set aside still holds all of it: a mongod of its own reads it.
on "db2" {
  script = "aside.sh"
  prints = "crm later shop"
}
