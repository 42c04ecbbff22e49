replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }
}

stack "us" {
  server "db1" { host = "10.0.0.11" }
}
