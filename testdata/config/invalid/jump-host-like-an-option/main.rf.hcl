replform {
  topology = "acme"
}

ssh {
  jump = "-oProxyCommand=x"
}
