about = "A replica that streams and is still wrong gets a full copy by resync; the writer goes on, and what it had stays beside it."

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
  with   = { megabytes = "40" }
}

writer_starts "db1" {}

replform "apply -auto-approve" {}

# It goes on following, and is wrong.
on "db2" { run = "redis-cli config set replica-read-only no; redis-cli set wrong 1; redis-cli config set replica-read-only yes" }

nothing_to_do {}

replform "plan -replace=replication.orders.replica.nobody" {
  exit = 1
  says = ["names nothing"]
}

replform "resync -auto-approve replication.orders.replica.reader" { says = ["backup", "restore"] }

nothing_to_do {}

writer_stops { longest_pause = "20s" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

# What it had is beside it.
on "db2" { run = "ls -d /var/lib/redis.replform-2*" }
