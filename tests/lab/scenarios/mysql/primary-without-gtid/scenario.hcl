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
