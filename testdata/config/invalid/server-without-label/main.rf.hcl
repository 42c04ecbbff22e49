replform {
  topology = "acme"
}

stack "eu" {
  server { host = "10.0.0.11" }
}
