replform {
  topology = "acme"
}

locals {
  a = uper("x")
}
