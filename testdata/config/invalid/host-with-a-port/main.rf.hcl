replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "db1.example.com:2222" }
}
