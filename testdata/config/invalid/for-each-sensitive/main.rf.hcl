replform {
  topology = "acme"
}

variable "hosts" {
  type      = map(string)
  sensitive = true
  default   = { a = "10.0.0.11" }
}

stack "eu" {
  server "db" {
    for_each = var.hosts
    host     = each.value
  }
}
