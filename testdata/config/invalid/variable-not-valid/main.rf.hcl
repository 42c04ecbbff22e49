replform {
  topology = "acme"
}

variable "user" {
  default = "root"

  validation {
    condition     = var.user != "root"
    error_message = "Log in as somebody other than ${var.user}."
  }
}
