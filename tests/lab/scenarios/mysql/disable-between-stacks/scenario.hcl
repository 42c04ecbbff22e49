about = "A replica in another stack leaves with its whole replication: it catches up by TLS, and no certificate of ours is left or shown."

host "db1" {
  image   = "sid-mysql"
  address = "10.77.1.11"
}

host "db2" {
  image   = "sid-bare"
  address = "10.77.2.11"
}

host "web" {
  image   = "bookworm-bare"
  address = "10.77.1.21"
}

on "db1" {
  script = "load.sh"
  with   = { megabytes = "5" }
}

on "web" { script = "app-env.sh" }

replform "apply -auto-approve" {}

on "db1" "db2" { run = "test -d /etc/mysql/replform" }

page "none.rf.hcl" {}

replform "apply -auto-approve" { lacks = ["be asked"] }

nothing_to_do {}

on "db1" "db2" {
  run    = "ls -d /etc/mysql/replform /var/lib/replform 2>/dev/null || true; grep -hs ssl /etc/mysql/mysql.conf.d/zz-replform.cnf || true; mysql -NBe 'select @@ssl_ca, @@ssl_cert, @@ssl_key'"
  prints = "ca.pem\tserver-cert.pem\tserver-key.pem"
}

on "db1" { run = "mysql --protocol=tcp -h 127.0.0.1 -u nobody 2>&1 | grep -i denied" }
