replform {
  topology = "acme"
}

variable "user" {
  default = "root"

  validation {
    condition     = true
    error_message = "never"
  }
}
