about = "What may be set aside are the databases that the approved plan showed: one that came later stops it."

host "db1" {
  image   = "bookworm-pg"
  address = "10.77.1.11"
}

host "db2" {
  image   = "bookworm-pg"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "100" }
}

on "db2" { script = "shop.sh" }

replform "plan -allow=replace_data -out=reviewed" { says = ["shop"] }

on "db2" { run = "cd /; runuser -u postgres -- createdb early" }

replform "apply reviewed" {
  exit = 6
  says = ["early"]
}

on "db2" { run = "cd /; runuser -u postgres -- dropdb early" }

replform "plan -allow=replace_data -out=reviewed" {}

start "apply" { replform = "apply reviewed" }

wait "db1" { script = "mid-copy.sh" }

on "db2" { run = "cd /; runuser -u postgres -- createdb late" }

finish "apply" {
  exit = 7
  says = ["late"]
}

on "db2" {
  run    = "cd /; runuser -u postgres -- psql -XAtc \"select count(*) from pg_database where datname in ('shop', 'late')\" postgres"
  prints = "2"
}

on "db2" { run = "cd /; runuser -u postgres -- dropdb late" }

replform "plan -allow=replace_data -out=reviewed" { says = ["is there already, checked"] }

replform "apply reviewed" { says = ["taken up"] }

on "db2" { run = "test -d /var/lib/postgresql/15/main.replform-2*/base" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}
