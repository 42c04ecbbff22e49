# A MySQL primary with two replicas, one of them copied at a limited rate, and the app that reads from them.

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

replication "orders" {
  engine  = "mysql"
  version = "9.7"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" { server = stack.eu.server.db2 }

  replica "standby" {
    server   = stack.eu.server.db3
    max_rate = "50MB/s"
  }

  env { targets = [stack.eu.app.web] }
}
