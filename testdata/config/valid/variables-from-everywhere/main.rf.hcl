replform {
  topology = var.name
}

variable "name" {
  type = string
}

variable "user" {
  type    = string
  default = "root"
}

variable "hosts" {
  type = map(string)
}

variable "port" {
  type     = number
  default  = 22
  nullable = false

  validation {
    condition     = var.port > 0
    error_message = "A port is above 0, not ${var.port}."
  }
}

variable "jump" {
  description = "Left out where null."
  default     = null
}

ssh {
  user = var.user
  jump = var.jump
}

stack "eu" {
  server "db" {
    for_each = var.hosts
    host     = each.value
    port     = var.port
  }
}
