replform {
  topology = "acme"
}

stack "eu" {
  server "db1" {
    host           = "10.0.0.11"
    public_address = "203.0.113.11"
  }

  app "web" {
    hosts    = ["10.0.0.21"]
    env_file = "/etc/acme/database.env"
  }
}

stack "us" {
  server "db1" {
    host           = "db1.us.example.com"
    address        = "10.0.0.11"
    public_address = "198.51.100.11"
  }

  app "web" {
    hosts    = ["web.us.example.com"]
    env_file = "/etc/acme/database.env"
  }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1

  replica "standby" { server = stack.us.server.db1 }

  env {
    targets = [stack.eu.app.web, stack.us.app.web]
    names   = "cloud66"
    variables = {
      PRIMARY  = "${primary.address}:${primary.port} in ${primary.stack}"
      REPLICAS = join(",", [for r in replicas : "${r.name}=${r.address}"])
      NOTHING  = null
    }
  }
}
