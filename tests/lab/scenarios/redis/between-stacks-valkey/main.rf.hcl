replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" { host = "10.77.1.11" }
}

stack "us" {
  server "db1" { host = "10.77.2.11" }
}

replication "orders" {
  engine  = "redis"
  primary = stack.eu.server.db1
  allow   = ["expose"]

  replica "reader" { server = stack.us.server.db1 }
}
