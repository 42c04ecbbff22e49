replform {
  topology         = "acme"
  required_version = "~> 7.1"
}
