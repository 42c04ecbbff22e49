# One primary, one replica, one app that reads from it. The primary asks for a password (requirepass in
# /etc/redis/redis.conf): a new replica takes it over. Without one, opening the server to the network has to be
# allowed: allow = ["expose"].

replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" { host = "10.0.0.12" }

  app "web" {
    hosts     = ["10.0.0.21"]
    env_file  = "/etc/acme/redis.env"
    on_change = "systemctl reload acme-web"
  }
}

replication "cache" {
  engine  = "redis"
  primary = stack.eu.server.db1
  retain  = "256MB" # the backlog: a replica that missed less than that goes on without a copy

  replica "reader" { server = stack.eu.server.db2 }

  env { targets = [stack.eu.app.web] }
}
