# A replica in another stack: read by TLS that both ends prove, with certificates that replform makes and renews.

replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" {
    host           = "203.0.113.11"
    address        = "10.0.0.11"
    public_address = "203.0.113.11" # what the replica in the other stack reads from
  }

  app "web" {
    hosts    = ["203.0.113.21"]
    env_file = "/etc/acme/database.env"
  }
}

stack "us" {
  server "db1" {
    host           = "198.51.100.11"
    address        = "10.1.0.11"
    public_address = "198.51.100.11"
  }

  app "web" {
    hosts    = ["198.51.100.21"]
    env_file = "/etc/acme/database.env"
  }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "us" { server = stack.us.server.db1 }

  # Each app reads from its own stack's server.
  env { targets = [stack.eu.app.web, stack.us.app.web] }
}
