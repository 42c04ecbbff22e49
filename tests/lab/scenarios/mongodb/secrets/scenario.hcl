about = "No secret is shown, logged, saved or passed as an argument."

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

host "web" {
  image   = "bookworm-base"
  address = "10.77.1.21"
}

on "db1" "db2" "db3" { script = "log-everything.sh" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "5" }
}

on "db1" { script = "require-logins.sh" }

on "web" { run = "mkdir -p /etc/acme; echo SECRET_KEY=canary-app-91ab >/etc/acme/database.env" }

on "db1" "db2" "db3" "web" { script = "record-commands.sh" }

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

stays_secret "the set's key" {
  on     = "db2"
  script = "key.sh"
}

stays_secret "the set's key, as it is handed on" {
  on     = "db3"
  script = "key-handed-on.sh"
}

stays_secret "the sensitive variable" { value = "canary-token-5f1c" }

stays_secret "the app's own secret" { value = "canary-app-91ab" }

# Command lines were written down, servers logged a lot, and the files were saved.
on "db1" { run = "grep -q mongod /tmp/commands && grep -q '\"D1\"' /var/log/mongodb/mongod.log" }

on "here" { run = "test -s saved.plan && test -s observed.json" }
