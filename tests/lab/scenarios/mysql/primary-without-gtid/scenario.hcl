about = "A primary without GTIDs gets them while its writer goes on, and keeps them after a restart."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-bare"
  address = "10.77.1.12"
}

on "db1" { script = "without-gtid.sh" }

writer_starts "db1" {}

replform "plan" { says = ["gtid_mode OFF -> ON", "enforce_gtid_consistency OFF -> ON"] }

replform "apply -auto-approve" {}

writer_stops { longest_pause = "20s" }

same_data {
  primary  = "db1"
  replicas = ["db2"]
}

nothing_to_do {}

on "db1" {
  run    = "systemctl restart mysql; mysql -NBe 'select @@gtid_mode, @@enforce_gtid_consistency'"
  prints = "ON\tON"
}

# GTIDs stay when the replication goes: others may rely on them by now.
page "none.rf.hcl" {}

replform "apply -auto-approve" { says = ["GTIDs stay on"] }

nothing_to_do {}

on "db1" {
  run    = "systemctl restart mysql; grep -h = /etc/mysql/mysql.conf.d/zz-replform.cnf; mysql -NBe 'select @@gtid_mode, @@bind_address'"
  prints = "enforce_gtid_consistency = ON\ngtid_mode = ON\nON\t127.0.0.1"
}

on "db2" { run = "test ! -e /etc/mysql/mysql.conf.d/zz-replform.cnf && systemctl restart mysql && mysql -e 'create table app.own (n int)'" }
