replform { topology = "acme" }

stack "eu" {
  server "db1" { host = "10.77.20.11" }
  server "db2" { host = "10.77.20.12" }
}
