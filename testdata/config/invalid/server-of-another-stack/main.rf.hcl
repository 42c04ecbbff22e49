replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }
}

stack "us" {
  server "standby" { host = "10.1.0.11" }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1

  replica "standby" { server = stack.eu.server.standby }
}
