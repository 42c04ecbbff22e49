about = "A server whose apps log in gets a key file for its members; the key stands nowhere else."

host "db1" {
  image   = "bookworm-mongodb"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-mongodb"
  address = "10.77.1.12"
}

host "db3" {
  image   = "bookworm-mongobare"
  address = "10.77.1.13"
}

on "db3" { script = "record-commands.sh" }

on "db1" {
  script = "load.sh"
  with   = { megabytes = "5" }
}

on "db1" { script = "require-logins.sh" }

replform "plan" { lacks = ["RF0660"] }

replform "apply -auto-approve" {}

stays_secret "the set's key" {
  on     = "db1"
  script = "key.sh"
}

stays_secret "the set's key, as it is handed on" {
  on     = "db1"
  script = "key-handed-on.sh"
}

on "db2" "db3" {
  run    = "stat -c '%a %U' /etc/mongod.replform.key"
  prints = "400 mongodb"
}

same_data {
  primary  = "db1"
  replicas = ["db2", "db3"]
}

nothing_to_do {}
