replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" { host = "10.0.0.12" }

  app "web" {
    hosts    = ["10.0.0.21"]
    env_file = "/etc/acme/database.env"
  }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1

  replica "reader" { server = stack.eu.server.db2 }
}

moved {
  from = replication.orders.replica.old
  to   = replication.orders.replica.new["a"]
}
