replform {
  topology = "acme"
}

variable "db_user" {
  default = "deploy"
}

ssh {
  user = var.dbuser
}
