replform {
  topology = "acme"
}

variable "user" {
  default = local.user
}

locals {
  user = "deploy"
}
