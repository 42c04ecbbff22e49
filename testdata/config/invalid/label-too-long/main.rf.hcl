replform {
  topology = "acme"
}

stack "eu" {
  server "database-of-the-orders-department" { host = "10.0.0.11" }
}
