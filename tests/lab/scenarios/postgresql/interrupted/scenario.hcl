about = "Ctrl-C twice leaves the copy to itself; the next apply takes it up; what still holds an instance is named and waited for."

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

on "db2" {
  run  = "pgrep -x pg_basebackup"
  save = "copier"
}

# The job's script, which brought secrets along, is gone already.
on "db2" {
  run    = "find /run/replform/jobs -type f; grep -rlF replform_main /var/lib/replform || true"
  prints = ""
}

interrupt "first" {}

hear "first" { says = "Interrupted" }

interrupt "first" {}

finish "first" {
  within = "5s"
  exit   = 7
  says   = ["goes on"]
}

on "db2" {
  run    = "pgrep -x pg_basebackup"
  prints = copier
}

replform "apply -auto-approve -lock-timeout=30s" { says = ["goes on with the job"] }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

on "db2" {
  run    = "ls -A /var/lib/replform/jobs /run/replform/jobs | grep backup || true"
  prints = ""
}

# What a dead client's step left running holds the instance.
on "db2" { script = "hold-instance.sh" }

replform "apply -auto-approve -lock-timeout=30s" { says = ["waits for anna@laptop pid 7"] }

nothing_to_do {}
