about = "No secret is shown, logged, saved or passed as an argument."

host "db1" {
  image   = "bookworm-mariadb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-mariadb"
  address = "10.77.1.12"
}

host "web" {
  image   = "bookworm-bare"
  address = "10.77.1.21"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "20" }
}

on "db1" "db2" { script = "log-everything.sh" }

on "web" { run = "mkdir -p /etc/acme; echo SECRET_KEY=canary-app-91ab >/etc/acme/database.env" }

on "db1" "db2" "web" { script = "record-commands.sh" }

replform "observe -o observed.json" {}

replform "plan -out saved.plan" {}

replform "plan -json" {}

replform "show -scripts saved.plan" {}

replform "apply -auto-approve -json" {}

replform "plan" {}

replform "status -json" {}

on "web" {
  run   = "cat /etc/acme/database.env"
  lines = ["SECRET_KEY=canary-app-91ab", "ORDERS_TOKEN=canary-token-5f1c"]
}

stays_secret "the replication password" {
  on     = "db2"
  script = "replication-password.sh"
}

stays_secret "the sensitive variable" { value = "canary-token-5f1c" }

stays_secret "the app's own secret" { value = "canary-app-91ab" }

# Command lines were written down, and the files were saved.
on "db1" { run = "grep -q mariadb /tmp/commands" }

on "here" { run = "test -s saved.plan && test -s observed.json" }
