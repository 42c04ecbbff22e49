replform {
  topology = "acme"
}

stack "eu" {
  server "db" "one" { host = "10.0.0.11" }
}
