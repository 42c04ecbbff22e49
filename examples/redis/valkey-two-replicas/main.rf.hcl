# A Valkey primary that a firewall protects, and two replicas; bare hosts get the primary's product.

replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" { host = "10.0.0.12" }
  server "db3" { host = "10.0.0.13" }
}

replication "sessions" {
  engine  = "redis" # Valkey too
  version = "8.1"
  primary = stack.eu.server.db1
  allow   = ["expose"] # nobody needs a password: the firewall lets only our hosts in

  replica "reader" { server = stack.eu.server.db2 }

  replica "standby" {
    server   = stack.eu.server.db3
    max_rate = "50MB/s"
  }
}
