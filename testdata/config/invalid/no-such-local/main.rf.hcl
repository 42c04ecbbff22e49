replform {
  topology = "acme"
}

locals {
  user = "deploy"
}

ssh {
  user = local.usr
}
