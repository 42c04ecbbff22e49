replform {
  topology = "acme"
}

locals {
  servers = jsondecode(file("servers.json"))
}
