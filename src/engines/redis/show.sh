# shellcheck shell=sh disable=SC2154
# Lets a running server take up certificates that were put in the place of older ones. A server that uses others is left as it is:
# its settings come later.
#
# Changes what the server shows and trusts (connections stay). Proves that it took them: it refuses a file that it can't use, and
# where it has a TLS port, shows the certificate. Can be run again.
# Variables: kind, conf, port; certificate, key, authority (the files).

check() { rd_place; }

show_is_used() { rd_is_up && [ "$(rd_get tls-cert-file)" = "$certificate" ]; }

run() {
  if ! show_is_used; then return 0; fi
  said=$(printf 'CONFIG SET tls-cert-file %s tls-key-file %s tls-ca-cert-file %s\n' "$certificate" "$key" "$authority" | rd_ask)
  [ "$said" = OK ] || die "the server doesn't take its certificate: $(printf '%s' "$said" | head -n 1)"
  changed "$unit uses $certificate"
}

show_now() {
  shown=$(timeout 5 openssl s_client -connect "$(rd_address "$(rd_conf bind)"):$tls_port" 2>/dev/null </dev/null | openssl x509 -noout -fingerprint 2>/dev/null)
  [ -n "$shown" ] && [ "$shown" = "$(openssl x509 -in "$certificate" -noout -fingerprint)" ]
}

verify() {
  if ! show_is_used; then return 0; fi
  tls_port=$(rd_get tls-port)
  if [ "${tls_port:-0}" = 0 ]; then return 0; fi
  wait_until 10 show_now || die "the server doesn't show $certificate"
}
