replform {
  topology = "acme"
}

region = "eu"
