replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" { host = "10.77.1.11" }
  server "db2" { host = "10.77.1.12" }

  app "web" {
    hosts    = ["10.77.1.21"]
    env_file = "/etc/acme/database.env"
  }
}

replication "orders" {
  engine  = "mysql"
  primary = stack.eu.server.db1
  allow   = ["restart"]
  max_lag = "10s"

  replica "reader" { server = stack.eu.server.db2 }

  env { targets = [stack.eu.app.web] }
}
