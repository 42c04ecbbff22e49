replform { topology = "acme" }

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" { host = "10.0.0.12" }
  server "db3" { host = "10.0.0.13" }
  server "db4" { host = "10.0.0.14" }
}

replication "orders" {
  engine  = "mongodb"
  primary = stack.eu.server.db1

  replica "reader" { server = stack.eu.server.db2 }
  replica "standby" { server = stack.eu.server.db3 }

  mongodb { arbiter = stack.eu.server.db4 }
}
