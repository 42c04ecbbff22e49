replform {
  topology = "acme"
}

variable "user" {
  type    = text
  default = "deploy"
}
