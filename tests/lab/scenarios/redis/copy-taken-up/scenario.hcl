about = "Ctrl-C between the copy and its swap: the next plan says that the copy is there, and apply copies nothing twice."

host "db1" {
  image   = "bookworm-redis"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "60" }
}

start "first" { replform = "apply -auto-approve" }

wait "db2" { run = "test \"$(stat -c %s /var/lib/redis.replform-copy/dump.rdb)\" -gt 10000000" }

# The copy ends, and nothing that comes after it begins.
interrupt "first" {}

finish "first" { exit = 7 }

on "db2" { run = "test -e /var/lib/redis.replform-copy.verified && ! systemctl is-active redis-server" }

# Another rate changes nothing about a copy that is there.
page "faster.rf.hcl" {}

replform "plan" { says = ["is there already, checked"] }

replform "apply -auto-approve -lock-timeout=30s" { says = ["taken up"] }

on "db1" {
  run    = "grep -c 'Starting BGSAVE for SYNC' /var/log/redis/redis-server.log"
  prints = "1"
}

on "db2" {
  run    = "ls -A /var/lib/replform/jobs"
  prints = ""
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
