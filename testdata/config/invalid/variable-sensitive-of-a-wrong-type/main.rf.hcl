replform {
  topology = "acme"
}

variable "password" {
  type      = object({ text = string })
  sensitive = true
}
