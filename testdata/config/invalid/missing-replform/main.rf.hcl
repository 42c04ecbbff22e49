stack "eu" {
  server "db1" { host = "10.0.0.11" }
}
