about = "No secret is shown, logged, saved or passed as an argument."

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
  with   = { megabytes = "20" }
}

on "db1" {
  script = "password.sh"
  with   = { word = "canary-Pa55-word" }
}

on "db1" { run = "REDISCLI_AUTH=canary-Pa55-word redis-cli config set loglevel debug slowlog-log-slower-than 0" }

on "db1" "db2" { script = "record-commands.sh" }

replform "observe -o observed.json" {}

replform "plan -out saved.plan" {}

replform "plan -json" {}

replform "show -scripts saved.plan" {}

replform "apply -auto-approve -json" {}

replform "plan" {}

replform "status -json" {}

stays_secret "the replication password" {
  on     = "db2"
  script = "replication-password.sh"
}

stays_secret "its hash" {
  on     = "db1"
  script = "password-hash.sh"
}

stays_secret "the primary's own password" { value = "canary-Pa55-word" }

# Command lines were written down, and the files were saved.
on "db1" { run = "grep -q redis /tmp/commands" }

on "here" { run = "test -s saved.plan && test -s observed.json" }
