replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" { host = "10.0.0.12" }
  server "db3" { host = "10.0.0.13" }
  server "db4" { host = "10.0.0.14" }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1

  replica "a" {
    server   = stack.eu.server.db2
    upstream = replica.b
  }
  replica "b" {
    server   = stack.eu.server.db3
    upstream = replica.c
  }
  replica "c" {
    server   = stack.eu.server.db4
    upstream = replica.a
  }
}
