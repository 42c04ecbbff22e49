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

  app "web" {
    hosts    = ["10.0.0.21"]
    env_file = "/etc/acme/database.env"
  }
}

replication "orders" {
  engine  = "mysql"
  version = "8.0"
  primary = stack.eu.server.db1
  retain  = "1.5GiB"
  max_lag = "64MB"
  tls     = "off"
  allow   = ["restart", "expose"]

  mysql {
    port           = 3307
    data_directory = "/srv/mysql"

    admin {
      user     = "root"
      password = var.password
    }
  }

  replica "reader" {
    server   = stack.eu.server.db2
    max_lag  = "5m"
    max_rate = "20MiB/s"

    mysql {
      data_directory = "/var/lib/mysql"
    }
  }

  env {
    targets   = [stack.eu.app.web]
    prefix    = "ORDERS"
    variables = { ORDERS_PASSWORD = var.password }
  }
}

replication "cache" {
  engine  = "redis"
  primary = stack.eu.server.db1

  replica "copy" { server = stack.eu.server.db2 }
}
