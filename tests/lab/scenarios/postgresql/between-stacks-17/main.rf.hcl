replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" {
    host           = "10.77.1.11"
    public_address = "10.77.8.11"
  }
}

stack "us" {
  server "db1" { host = "10.77.2.11" }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" { server = stack.us.server.db1 }
}
