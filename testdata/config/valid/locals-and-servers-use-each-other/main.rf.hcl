replform {
  topology = "acme"
}

locals {
  network = "10.0.0"
  first   = stack.eu.server.db1
  every   = [for name, server in stack.eu.server : server.address]
}

stack "eu" {
  server "db1" { host = "${local.network}.11" }
  server "db2" { host = cidrhost("${stack.eu.server.db1.host}/24", 12) }

  app "web" {
    hosts    = [local.first.host]
    env_file = "/etc/acme/${length(local.every)}-databases.env"
  }
}

replication "orders" {
  engine  = "postgresql"
  primary = local.first

  replica "reader" { server = stack.eu.server.db2 }
}
