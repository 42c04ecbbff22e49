replform { topology = "acme" }

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" { host = "10.0.0.12" }
}

stack "us" {
  server "db1" { host = "10.1.0.11" }
}

replication "orders" {
  engine  = "mongodb"
  primary = stack.eu.server.db1

  replica "reader" { server = stack.eu.server.db2 }

  mongodb { arbiter = stack.us.server.db1 }
}
