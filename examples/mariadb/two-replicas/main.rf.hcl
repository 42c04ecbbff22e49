# One MariaDB primary, two replicas, one app that reads from them.

replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" { host = "10.0.0.12" }
  server "db3" { host = "10.0.0.13" }

  app "web" {
    hosts     = ["10.0.0.21"]
    env_file  = "/etc/acme/database.env"
    on_change = "systemctl reload acme-web"
  }
}

replication "shop" {
  engine  = "mariadb"
  version = "10.11"
  primary = stack.eu.server.db1
  allow   = ["restart"] # the binlog is off on a stock server

  replica "reader" { server = stack.eu.server.db2 }
  replica "standby" {
    server   = stack.eu.server.db3
    max_rate = "50MB/s" # both are copied at the same time, from ports 4444 and 4445 of the primary
  }

  env { targets = [stack.eu.app.web] }
}
