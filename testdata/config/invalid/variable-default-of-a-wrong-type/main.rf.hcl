replform {
  topology = "acme"
}

variable "port" {
  type    = number
  default = "many"
}
