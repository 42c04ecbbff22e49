replform { topology = "acme" }

ssh { user = "root" }

stack "eu" {
  server "db1" { host = "10.77.1.11" }

  app "web" {
    hosts    = ["10.77.1.21"]
    env_file = "/etc/acme/database.env"
  }
}

stack "us" {
  server "db1" { host = "10.77.2.11" }

  app "web" {
    hosts    = ["10.77.1.21"]
    env_file = "/etc/acme/us.env"
  }
}
