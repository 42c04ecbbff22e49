replform {
  topology         = "acme"
  required_version = ">= 0.1, < 1.0"
}
