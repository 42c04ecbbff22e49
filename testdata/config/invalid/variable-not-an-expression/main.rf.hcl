replform {
  topology = "acme"
}

variable "hosts" {
  type = list(string)
}
