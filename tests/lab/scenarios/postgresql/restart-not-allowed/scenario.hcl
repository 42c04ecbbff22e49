about = "A restart that the page doesn't allow blocks the plan, and nothing is changed."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "started.sh"
  save   = "started"
}

replform "plan -detailed-exitcode" {
  exit = 4
  says = ["BLOCKED", "allow = [\"restart\"]"]
}

replform "apply -auto-approve" { exit = 4 }

on "db1" {
  script = "started.sh"
  prints = started
}

on "db2" { run = "! dpkg -s postgresql-15 2>/dev/null && ! test -e /var/lib/replform" }
