# A MongoDB server becomes a replica set of three. Apps learn the members' addresses and the set's name; whoever is elected
# primary, a connection string made of both finds it.
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
  engine  = "mongodb"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" { server = stack.eu.server.db2 }
  replica "standby" { server = stack.eu.server.db3 }

  env { targets = [stack.eu.app.web] }
}
