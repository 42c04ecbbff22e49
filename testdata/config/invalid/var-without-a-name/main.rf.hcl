replform {
  topology = "acme"
}

