replform {
  topology = "acme"
}

locals {
  a = 1 / 0
}
