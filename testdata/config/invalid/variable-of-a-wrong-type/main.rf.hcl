replform {
  topology = "acme"
}

variable "ports" {
  type = list(number)
}
