about = "Foreign data of a stopped server blocks the plan and is not touched."

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

on "db2" { run = "systemctl stop redis-server" }

on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/redis" }
  save   = "before"
}

replform "apply -auto-approve" {
  exit = 4
  says = ["a stopped server of", "replace_data"]
}

on "db2" {
  script = "checksum.sh"
  with   = { directory = "/var/lib/redis" }
  prints = before
}
