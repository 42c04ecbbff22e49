replform {
  topology = "acme"
}

variable "host" {
  default   = "10.0.0.11"
  sensitive = true
}

stack "eu" {
  server "db1" { host = var.host }
}
