stack "eu" {
  server "db2" { host = "10.0.0.12" }
}
