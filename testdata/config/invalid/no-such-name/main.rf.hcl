replform {
  topology = "acme"
}

ssh {
  user = deploy
}
