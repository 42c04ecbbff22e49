stack "eu" {
  server "db" {
    for_each = { for s in jsondecode(file("servers.json")) : s.name => s.ip }
    host     = each.value
  }
}
