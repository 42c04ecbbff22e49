about = "Ctrl-C between the copy and its swap: the plan says that the copy is there and apply takes it up; a copy that has no way on is made anew."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-bare"
  address = "10.77.1.12"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "100" }
}

writer_starts "db1" {}

start "first" { replform = "apply -auto-approve" }

wait "db2" { script = "mid-copy.sh" }

# The copy ends, and nothing that comes after it begins.
interrupt "first" {}

finish "first" { exit = 7 }

on "db2" { run = "test -e /var/lib/mysql-files/mysql.replform-copy.verified && ! test -e /var/lib/mysql/replform.copy" }

# Another rate changes nothing about a copy that is there.
page "faster.rf.hcl" {}

replform "plan" { says = ["is there already, checked"] }

# The transactions after it are gone from the primary's binary log: nothing could go on from this copy.
on "db1" { run = "mysql -e 'flush binary logs; purge binary logs before now() + interval 1 hour'" }

replform "plan" { lacks = ["is there already"] }

start "second" { replform = "apply -auto-approve" }

wait "db2" {
  run    = "test \"$(journalctl --no-pager -o cat | grep -c 'Started.*replform job acme.orders.reader.backup')\" = 2"
  within = "60s"
}

interrupt "second" {}

finish "second" { exit = 7 }

replform "apply -auto-approve -lock-timeout=30s" { says = ["taken up"] }

writer_stops {}

on "db2" {
  run    = "journalctl --no-pager -o cat | grep -c 'Started.*replform job acme.orders.reader.backup'; ls -A /var/lib/replform/jobs"
  prints = "2"
}

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}
