replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "root@10.0.0.11" }
}
