replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }

  app "web" {
    hosts    = ["10.0.0.11"]
    env_file = "/etc/acme/database.env"

    ssh {
      user = "deploy"
    }
  }
}
