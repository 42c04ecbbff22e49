replform { topology = "acme" }

stack "eu" {
  server "db1" { host = "10.77.20.11" }
  server "db2" { host = "10.77.20.12" }
  server "db3" { host = "10.77.20.13" }
}

replication "orders" {
  engine  = "mariadb"
  primary = stack.eu.server.db1

  replica "reader" { server = stack.eu.server.db2 }
}
