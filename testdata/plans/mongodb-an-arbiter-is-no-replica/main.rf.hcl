replform { topology = "acme" }

stack "eu" {
  server "db1" { host = "10.77.40.11" }
  server "db2" { host = "10.77.40.12" }
  server "db3" { host = "10.77.40.13" }
}

replication "orders" {
  engine  = "mongodb"
  primary = stack.eu.server.db1
  allow   = ["restart", "expose"]

  replica "reader" { server = stack.eu.server.db2 }
  replica "standby" { server = stack.eu.server.db3 }
}
