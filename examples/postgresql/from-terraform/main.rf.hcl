# Servers that another tool made come in as facts: terraform output -json servers > servers.json

replform { topology = "acme" }

locals {
  servers = jsondecode(file("servers.json"))
}

stack "eu" {
  server "db" {
    for_each = local.servers
    host     = each.value.public_ip
    address  = each.value.private_ip
  }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db["db1"]

  replica "reader" {
    for_each = { for name, server in local.servers : name => server if name != "db1" }
    server   = stack.eu.server.db[each.key]
  }
}
