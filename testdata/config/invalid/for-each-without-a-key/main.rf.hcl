replform {
  topology = "acme"
}

stack "eu" {
  server "db" {
    for_each = { a = "10.0.0.11", b = "10.0.0.12" }
    host     = each.value
  }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db

  replica "reader" { server = stack.eu.server.db["b"] }
}
