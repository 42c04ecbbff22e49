about = "A replica in another stack: copied and streamed by TLS that both ends prove, seen on the wire; apps of both stacks read from their own."

host "db1" {
  image   = "bookworm-pg"
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

on "db1" {
  script = "load.sh"
  with   = { megabytes = "30" }
}

on "db1" { script = "marked-rows.sh" }

on "web" { script = "app-env.sh" }

writer_starts "db1" {}

on "db1" { script = "capture.sh" }

replform "plan -detailed-exitcode" {
  exit    = 2
  matches = ["(?m)secure +eu/db1", "(?m)secure +us/db1"]
}

replform "apply -auto-approve" { says = ["encrypted: TLSv1.3"] }

on "db1" { script = "marked-rows.sh" }

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

# The copy and the stream: neither the loaded rows nor those written since.
on "db1" {
  script = "captured.sh"
  with   = { text = "canary-row-5b7e" }
  prints = "not to be read"
}

on "web" {
  run = "cat /etc/acme/database.env /etc/acme/us.env"
  lines = [
    "POSTGRESQL_ADDRESS=10.77.1.11",
    "POSTGRESQL_REPLICA_ADDRESSES_EXT=10.77.2.11",
    "POSTGRESQL_ADDRESS=10.77.2.11",
    "POSTGRESQL_PRIMARY_ADDRESS=10.77.1.11",
    "POSTGRESQL_REPLICA_ADDRESSES_INT=10.77.2.11",
  ]
}

nothing_to_do {}

# The authority's key lies on the primary's host alone, root's; each key is its server's.
on "db1" {
  run   = "stat -c '%n %a %U' /var/lib/replform/tls/acme.orders/authority.key /etc/postgresql/15/main/replform/member.key"
  lines = ["/var/lib/replform/tls/acme.orders/authority.key 600 root", "/etc/postgresql/15/main/replform/member.key 600 postgres"]
}

on "db2" {
  run   = "ls /var/lib/replform/tls/acme.orders; stat -c '%a %U' /etc/postgresql/15/main/replform/member.key"
  lines = ["place", "600 postgres"]
  lacks = ["authority"]
}

stays_secret "the replica's key" {
  on  = "db2"
  run = "sed -n 2p /etc/postgresql/15/main/replform/member.key"
}

# Without a certificate the replica isn't let in, with the right password and TLS.
on "db2" {
  script = "without-a-certificate.sh"
  says   = ["connection requires a valid client certificate", "pg_hba.conf rejects"]
}

# A certificate that was replaced by a foreign one is seen, and made anew.
on "db2" { script = "foreign-certificate.sh" }

replform "plan -detailed-exitcode" {
  exit = 2
  says = ["wasn't signed by the authority it trusts"]
}

replform "apply -auto-approve" {}

nothing_to_do {}

# Renewed in time: a pending change from 30 days before the end; the connection stays.
on "db1" { script = "grow-old.sh" }

on "db1" {
  script = "shown.sh"
  prints = "short"
}

on "db1" {
  script = "senders.sh"
  save   = "senders"
}

replform "drift" {
  exit = 2
  says = ["1 pending", "eu/db1: its certificate expires on"]
}

replform "apply -auto-approve" {}

on "db1" {
  script = "shown.sh"
  prints = "long"
}

on "db1" {
  script = "senders.sh"
  prints = senders
}

nothing_to_do {}

# Encryption off: said, done, and seen on the wire; so the capture can find what it looks for.
page "clear.rf.hcl" {}

replform "plan -detailed-exitcode" {
  exit = 2
  says = ["travel unencrypted between the stacks eu and us"]
}

replform "apply -auto-approve" {}

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

# On again, for a link that stands: the connection that stood in clear doesn't go on.
page "main.rf.hcl" {}

replform "apply -auto-approve" { says = ["encrypted: TLSv1.3"] }

on "db1" {
  run    = "cd / && runuser -u postgres -- psql -XAtc \"select usename, ssl from pg_stat_replication join pg_stat_ssl using (pid)\" postgres"
  prints = "replform_orders_reader|t"
}

nothing_to_do {}
