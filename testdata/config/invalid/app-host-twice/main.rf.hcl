replform {
  topology = "acme"
}

stack "eu" {
  app "web" {
    hosts    = ["10.0.0.21", "10.0.0.21"]
    env_file = "/etc/acme/database.env"
  }
}
