replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" { host = "10.77.1.11" }
  server "db2" { host = "10.77.1.12" }
  server "db3" { host = "10.77.1.13" }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" {
    server   = stack.eu.server.db2
    max_rate = "10MB/s" # so slow that both copies are seen at once
  }
}

replication "billing" {
  engine  = "postgresql"
  primary = stack.eu.server.db3
  allow   = ["restart"]

  replica "reader" {
    server   = stack.eu.server.db2
    max_rate = "10MB/s"

    postgresql {
      port           = 5433
      data_directory = "/var/lib/postgresql/15/billing"
    }
  }
}
