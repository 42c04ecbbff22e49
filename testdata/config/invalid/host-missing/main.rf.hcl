replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { port = 2222 }
}
