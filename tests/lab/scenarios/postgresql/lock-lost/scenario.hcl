about = "The link is cut, and another apply comes and goes before it is back: the first one begins nothing more."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "100" }
}

start "first" { replform = "apply -auto-approve" }

wait "db1" { script = "mid-copy.sh" }

cut "db2" {}

# Another apply, from its lock to its end: the lock is free again when the first one comes back.
on "db2" { run = "lock=/run/replform/lock/acme.orders; exec 9>>$lock; flock -w 60 9; echo 'anna@laptop pid 7 since noon' >$lock" }

heal "db2" {}

finish "first" {
  exit = 7
  says = ["anna@laptop pid 7", "plan again"]
}

on "db2" { run = "! test -e /var/lib/postgresql/15/main/standby.signal" }

replform "apply -auto-approve -lock-timeout=30s" {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
