replform { topology = "acme" }

stack "eu" {
  server "db1" { host = "10.77.20.11" }
  server "db2" { host = "10.77.20.12" }

  app "web" {
    hosts    = ["10.77.20.21"]
    env_file = "/etc/acme/database.env"
  }
}

stack "us" {
  server "db3" {
    host           = "10.77.20.13"
    address        = "10.9.0.13"
    public_address = "10.77.20.13"
  }

  app "web" {
    hosts    = ["10.77.20.22"]
    env_file = "/etc/acme/database.env"
  }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1

  replica "reader" { server = stack.us.server.db3 }

  env {
    targets = [stack.eu.app.web, stack.us.app.web]
    names   = "cloud66"
  }
}
