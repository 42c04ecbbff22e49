replform { topology = "acme" }

stack "eu" {
  server "db1" { host = "10.77.20.11" }
  server "db2" { host = "10.77.20.12" }
  server "db3" { host = "10.77.20.13" }

  app "web" {
    hosts     = ["10.77.20.21", "10.77.20.22"]
    env_file  = "/etc/acme/database.env"
    on_change = "systemctl reload acme-web"
  }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" { server = stack.eu.server.db2 }

  env { targets = [stack.eu.app.web] }
}
