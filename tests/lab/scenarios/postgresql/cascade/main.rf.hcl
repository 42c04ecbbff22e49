replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" { host = "10.77.1.11" }
  server "db2" { host = "10.77.1.12" }
  server "db3" { host = "10.77.1.13" }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "standby" {
    server   = stack.eu.server.db3
    upstream = replica.reader
  }
  replica "reader" { server = stack.eu.server.db2 }
}
