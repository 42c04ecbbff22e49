replform {
  topology = "acme"
}

variable "a" {}
