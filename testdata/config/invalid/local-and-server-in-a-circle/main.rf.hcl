replform {
  topology = "acme"
}

locals {
  first = stack.eu.server.db1.address
}

stack "eu" {
  server "db1" { host = local.first }
}
