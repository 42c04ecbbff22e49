replform {
  topology = "acme"
}

variable "db_user" {
  type = string
}

ssh {
  user = var.db_user
}
