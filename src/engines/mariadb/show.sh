# shellcheck shell=sh disable=SC2154
# Lets a running server take up a certificate that was put in the place of an older one. A server that shows another certificate is
# left as it is: its settings come later.
#
# Changes what the server shows (connections stay). Proves, by connecting, that it shows the certificate. Can be run again.
# Variables: port; certificate (the file).

check() { maria_place; }

show_is_used() { ! maria_is_down && [ "$(maria_variable ssl_cert)" = "$certificate" ]; }

run() {
  if ! show_is_used; then return 0; fi
  said=$(echo 'flush ssl;' | maria_sql 2>&1) || die "the server doesn't take its certificate: $(maria_words "$said")"
  changed "$unit shows $certificate"
}

show_now() {
  shown=$(timeout 5 openssl s_client -connect "$show_at" -starttls mysql 2>/dev/null </dev/null | openssl x509 -noout -fingerprint 2>/dev/null)
  [ -n "$shown" ] && [ "$shown" = "$(openssl x509 -in "$certificate" -noout -fingerprint)" ]
}

verify() {
  if ! show_is_used; then return 0; fi
  show_at=$(maria_variable bind_address)
  show_at=${show_at%%,*}
  case $show_at in
    '' | '*' | 0.0.0.0 | ::) show_at=127.0.0.1:$port ;;
    *:*) show_at="[$show_at]:$port" ;;
    *) show_at=$show_at:$port ;;
  esac
  wait_until 10 show_now || die "the server doesn't show $certificate"
}
