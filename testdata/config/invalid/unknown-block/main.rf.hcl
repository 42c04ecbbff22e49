replform {
  topology = "acme"
}

replicaton "orders" {
  engine = "postgresql"
}
