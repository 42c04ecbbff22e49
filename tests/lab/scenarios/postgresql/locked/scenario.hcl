about = "A second apply is told who holds the lock, and gets it when the first one dies."

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

on "here" {
  run  = "cat /proc/sys/kernel/hostname"
  save = "holder"
}

start "first" { replform = "apply -auto-approve" }

wait "db1" { script = "mid-copy.sh" }

replform "apply -auto-approve -lock-timeout=1s" {
  exit = 5
  says = ["${holder}"]
}

# The first goes on.
on "db1" { script = "mid-copy.sh" }

kill "first" {}

replform "apply -auto-approve -lock-timeout=30s" {}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
