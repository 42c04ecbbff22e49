replform {
  topology = "acme"
}

stack "eu" {
  server "db1" { host = }
}

locals {
  a = [1, 2
}

ssh {
  user = = "x"
}
