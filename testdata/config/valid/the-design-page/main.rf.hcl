replform {
  topology         = "acme-production"
  required_version = ">= 0.1"
}

variable "db_user" {
  type    = string
  default = "deploy"
}

ssh {
  user          = var.db_user
  identity_file = "~/.ssh/id_ed25519"
  known_hosts   = "~/.ssh/known_hosts"
  jump          = "bastion.example.com"
  sudo          = true
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" {
    host           = "203.0.113.12"
    port           = 2222
    address        = "10.0.0.12"
    public_address = "203.0.113.12"
  }

  app "web" {
    hosts     = ["10.0.0.21", "10.0.0.22"]
    env_file  = "/etc/acme/database.env"
    on_change = "systemctl reload acme-web"
  }
}

stack "us" {
  server "db1" { host = "10.1.0.11" }
}

replication "orders" {
  engine  = "postgresql"
  version = "15"
  primary = stack.eu.server.db1

  replica "reader" { server = stack.eu.server.db2 }
  replica "standby" {
    server   = stack.us.server.db1
    upstream = replica.reader
    max_rate = "50MB/s"
  }

  postgresql {
    port           = 5432
    data_directory = "/var/lib/postgresql/15/main"
  }
  tls     = "verify"
  retain  = "16GB"
  max_lag = "30s"
  allow   = ["restart"]

  env {
    targets   = [stack.eu.app.web]
    prefix    = "POSTGRESQL"
    names     = "replica"
    variables = { ORDERS_READ_URL = "postgres://app@${join(",", replicas[*].address)}/orders" }
  }
}
