about = "A replica in another stack: copied and followed by TLS that both ends prove, seen on the wire; apps of both stacks read from their own."

host "db1" {
  image   = "bookworm-bare"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.2.11"
}

host "web" {
  image   = "bookworm-bare"
  address = "10.77.1.21"
}

on "db1" { script = "install.sh" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "20" }
}

on "db1" { script = "marked-rows.sh" }

on "web" { script = "app-env.sh" }

writer_starts "db1" {}

on "db1" { script = "capture.sh" }

replform "apply -auto-approve" { says = ["encrypted: by port 6380, which asks for a certificate"] }

on "db1" { script = "marked-rows.sh" }

writer_stops { longest_pause = "3s" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

on "db1" {
  script = "captured.sh"
  with   = { text = "canary-row-5b7e" }
  prints = "not to be read"
}

on "web" {
  run   = "cat /etc/acme/database.env /etc/acme/us.env"
  lines = ["REDIS_ADDRESS=10.77.1.11", "REDIS_REPLICA_ADDRESSES_EXT=10.77.2.11", "REDIS_ADDRESS=10.77.2.11", "REDIS_REPLICA_ADDRESSES_INT=10.77.2.11"]
}

nothing_to_do {}

on "db1" {
  run   = "stat -c '%n %a %U' /var/lib/replform/tls/acme.orders/authority.key /etc/redis/replform-6379/member.key"
  lines = ["/var/lib/replform/tls/acme.orders/authority.key 600 root", "/etc/redis/replform-6379/member.key 600 redis"]
}

# A certificate of another authority is refused by the upstream, seen by the plan, and made anew.
on "db2" { script = "foreign-certificate.sh" }

on "db2" {
  script  = "refused.sh"
  matches = ["(?i)(ssl|sync)"]
}

replform "plan -detailed-exitcode" {
  exit = 2
  says = ["wasn't signed by the authority it trusts"]
}

replform "apply -auto-approve" {}

nothing_to_do {}

page "clear.rf.hcl" {}

replform "apply -auto-approve" { says = ["travel unencrypted between the stacks eu and us"] }

on "db1" { script = "capture.sh" }

on "db1" { script = "marked-rows.sh" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

on "db1" {
  script = "captured.sh"
  with   = { text = "canary-row-5b7e" }
  prints = "in clear: canary-row-5b7e"
}

nothing_to_do {}

page "main.rf.hcl" {}

replform "apply -auto-approve" { says = ["encrypted: by port 6380, which asks for a certificate"] }

nothing_to_do {}
