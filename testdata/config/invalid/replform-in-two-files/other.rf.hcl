replform {
  topology = "other"
}
