replform {
  topology = "acme"
}

locals {
  servers = { a = "10.0.0.11", b = "10.0.0.12", c = "10.0.0.13" }
  apps    = toset(["shop", "crm"])
}

stack "eu" {
  server "db" {
    for_each = local.servers
    host     = each.value
  }

  app "site" {
    for_each = local.apps
    hosts    = ["${each.key}.example.com"]
    env_file = "/etc/${each.value}/database.env"
  }
}

replication "data" {
  for_each = { orders = 5432, billing = 5433 }
  engine   = "postgresql"
  primary  = stack.eu.server.db["a"]

  postgresql {
    port = each.value
  }

  replica "copy" {
    for_each = { for key, host in local.servers : key => host if key != "a" }
    server   = stack.eu.server.db[each.key]
    upstream = each.key == "c" ? replica.copy["b"] : null
  }

  env {
    targets = [for app in stack.eu.app.site : app]
    prefix  = upper(each.key)
  }
}
