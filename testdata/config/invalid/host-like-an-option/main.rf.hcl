replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "-oProxyCommand=x" }
}
