replform {
  topology = "acme"
}

stack "eu" {
  server "db" {
    for_each = ["10.0.0.11", "10.0.0.12"]
    host     = each.value
  }
}
