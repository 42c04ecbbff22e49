replform {
  topology = "acme"
}

ssh {
  user          = "deploy"
  identity_file = "~/.ssh/id_ed25519"
  sudo          = true
}

stack "eu" {
  server "db1" { host = "10.0.0.11" }
  server "db2" {
    host = "db2.internal"
    port = 2222

    ssh {
      user = "root"
      sudo = false
      jump = "deploy@bastion.example.com:2200, inner"
    }
  }

  app "web" {
    hosts    = ["10.0.0.11", "fd00::21"]
    env_file = "/etc/acme/database.env"
  }
}
