replform {
  topology         = "acme"
  required_version = "latest"
}
