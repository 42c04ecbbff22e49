about = "Foreign data on a running server blocks the plan and is not touched; where it may be replaced it is set aside whole."

host "db1" {
  image   = "bookworm-redis"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-redis"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "60" }
}

on "db2" { script = "shop.sh" }

on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/redis" }
  save   = "before"
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["BLOCKED", "2 keys (1 in db0, 1 in db3)", "replace_data"]
}

replform "apply -auto-approve" { exit = 4 }

on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/redis" }
  prints = before
}

on "db1" {
  run   = "redis-cli acl list; redis-cli config get bind"
  lacks = ["replform", "10.77.1.11"]
}

page "replace.rf.hcl" {}

replform "plan -out=saved.plan" {}

# What the reviewers allowed is what they saw: a server that was restarted meanwhile is looked at again.
on "db2" { run = "systemctl restart redis-server" }

replform "apply saved.plan" { exit = 6 }

replform "plan -out=saved.plan" {}

replform "apply saved.plan" {}

on "db2" {
  run    = "cd /var/lib/redis.replform-2*; cp dump.rdb /tmp; printf '%s' 'dir /tmp' | redis-server - --port 7777 --daemonize yes >/dev/null; sleep 1; redis-cli -p 7777 get shop:owner; redis-cli -p 7777 -n 3 get shop:other; redis-cli -p 7777 shutdown nosave"
  prints = "somebody\nyes"
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
