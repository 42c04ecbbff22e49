replform {
  topology = "acme"
}

ssh {
  user = 1 == 1 ? "deploy" : "root"
  sudo = "maybe"
}
