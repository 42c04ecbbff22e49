replform {
  topology = "acme"
}

stack "eu" {
  for_each = { a = 1 }
}
