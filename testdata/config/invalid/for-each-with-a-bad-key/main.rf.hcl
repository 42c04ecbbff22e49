replform {
  topology = "acme"
}

stack "eu" {
  server "db" {
    for_each = { "first one" = "10.0.0.11" }
    host     = each.value
  }
}
