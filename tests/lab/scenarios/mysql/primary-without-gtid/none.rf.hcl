replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" { host = "10.77.1.11" }
  server "db2" { host = "10.77.1.12" }
}
