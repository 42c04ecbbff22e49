replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" {
    host    = "203.0.113.12"
    address = "10.0.0.11"
  }
}
