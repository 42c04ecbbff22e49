replform {
  topology = "acme"
}

stack "eu" {
  app "web" {
    hosts    = []
    env_file = "/etc/acme/database.env"
  }
}
