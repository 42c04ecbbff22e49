replform {
  topology = "acme"
}

variable "password" {
  type      = string
  sensitive = true
  default   = "hunter2"
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" { host = "10.0.0.12" }
}

replication "data" {
  for_each = { orders = { port = 5432, password = var.password } }
  engine   = "postgresql"
  primary  = stack.eu.server.db1

  postgresql {
    port = each.value.port

    admin {
      user     = "replform"
      password = each.value.password
    }
  }

  replica "reader" { server = stack.eu.server.db2 }
}
