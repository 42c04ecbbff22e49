replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "2" { host = "10.0.0.12" }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack["eu"].server["db1"]

  replica "reader" { server = stack.eu.server["2"] }
}
