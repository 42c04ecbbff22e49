# Several replicas from one list: logged in to through a bastion as a user with sudo, the copies limited in speed.

replform {
  topology         = "acme-${var.environment}"
  required_version = ">= 0.1"
}

variable "environment" {
  type        = string
  default     = "staging"
  description = "Which environment this is; it stands in the topology's name."

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "The environment is staging or production."
  }
}

variable "replicas" {
  type    = map(string)
  default = { a = "10.0.0.12", b = "10.0.0.13" }
}

ssh {
  user = "deploy"
  sudo = true
  jump = "deploy@bastion.example.com"
}

stack "eu" {
  server "primary" { host = "10.0.0.11" }

  server "replica" {
    for_each = var.replicas
    host     = each.value
  }

  app "web" {
    hosts    = ["10.0.0.21", "10.0.0.22"]
    env_file = "/etc/acme/database.env"
  }
}

replication "orders" {
  engine  = "postgresql"
  version = "15"
  primary = stack.eu.server.primary
  retain  = "8GB"
  max_lag = "30s"
  allow   = ["restart"]

  replica "reader" {
    for_each = var.replicas
    server   = stack.eu.server.replica[each.key]
    max_rate = "50MB/s"
  }

  env {
    targets = [stack.eu.app.web]
    prefix  = "ORDERS"

    variables = {
      ORDERS_READ_URL = "postgresql://app@${join(",", replicas[*].address)}/orders?target_session_attrs=any"
    }
  }
}
