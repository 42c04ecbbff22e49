replform {
  topology = "acme"
}

# größe
