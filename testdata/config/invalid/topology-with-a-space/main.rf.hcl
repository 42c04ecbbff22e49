replform {
  topology = "acme production"
}
