replform {
  topology = "acme"
}
