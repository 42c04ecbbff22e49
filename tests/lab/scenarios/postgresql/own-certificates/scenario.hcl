about = "Certificates of the user's own between stacks: used as they are; an expired one, a foreign one and one for another address are refused by name."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-pg"
  address = "10.77.2.11"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "10" }
}

writer_starts "db1" {}

on "here" { script = "authority.sh" }

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["/etc/own/ca.crt is gone"]
}

on "here" {
  script = "certificate.sh"
  with   = { host = "10.77.1.11", address = "10.77.1.11", authority = "ca", days = "90" }
}

on "here" {
  script = "certificate.sh"
  with   = { host = "10.77.2.11", address = "10.77.2.11", authority = "ca", days = "90" }
}

replform "apply -auto-approve" { says = ["encrypted: TLSv1.3"] }

writer_stops { longest_pause = "10s" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}

on "db1" {
  run   = "ls /var/lib/replform /etc/postgresql/15/main"
  lacks = ["tls", "replform\n"]
  lines = ["acme.orders.json"]
}

# Nobody renews these but their owner.
on "here" {
  script = "certificate.sh"
  with   = { host = "10.77.1.11", address = "10.77.1.11", authority = "ca", days = "20" }
}

replform "plan -detailed-exitcode" { says = ["its certificate expires on", "(/etc/own/member.crt)"] }

on "here" {
  script = "certificate.sh"
  with   = { host = "10.77.1.11", address = "10.77.1.11", authority = "ca", days = "0" }
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["its certificate expired on", "(/etc/own/member.crt)"]
}

on "db2" {
  script = "let-in.sh"
  exit   = 2
  says   = ["certificate verify failed"]
}

on "here" {
  script = "certificate.sh"
  with   = { host = "10.77.1.11", address = "10.77.1.11", authority = "other", days = "90" }
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["its certificate (db) wasn't signed by the authority it trusts", "(/etc/own/member.crt)"]
}

on "db2" {
  script = "let-in.sh"
  exit   = 2
  says   = ["certificate verify failed"]
}

on "here" {
  script = "certificate.sh"
  with   = { host = "10.77.1.11", address = "10.77.9.9", authority = "ca", days = "90" }
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["its certificate is for 10.77.9.9, not for IP:10.77.1.11, which its replicas dial"]
}

on "db2" {
  script = "let-in.sh"
  exit   = 2
  says   = ["server certificate for \"10.77.9.9\" does not match host name \"10.77.1.11\""]
}

# The replica's own, of another authority: the upstream refuses it.
on "here" {
  script = "certificate.sh"
  with   = { host = "10.77.1.11", address = "10.77.1.11", authority = "ca", days = "90" }
}

on "here" {
  script = "certificate.sh"
  with   = { host = "10.77.2.11", address = "10.77.2.11", authority = "other", days = "90" }
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["us/db1", "wasn't signed by the authority it trusts"]
}

on "db2" {
  script = "let-in.sh"
  exit   = 2
  says   = ["unknown ca"]
}

on "here" {
  script = "certificate.sh"
  with   = { host = "10.77.2.11", address = "10.77.2.11", authority = "ca", days = "90" }
}

nothing_to_do {}
