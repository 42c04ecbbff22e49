# shellcheck shell=sh disable=SC2154
# Lets a running server take up a certificate that was put in the place of an older one. A server that shows another certificate,
# or none, is left as it is: its settings come later.
#
# Changes what the server shows (a reload; connections stay). Proves, by connecting, that it shows the certificate: a key that it
# can't use is refused silently, in its log only. Can be run again.
# Variables: version, cluster, port; certificate (the file).

check() {
  pg_place
  pg_state
}

show_is_used() {
  [ "$pg_status" = ready ] &&
    [ "$(echo "select current_setting('ssl') || ' ' || current_setting('ssl_cert_file');" | pg_sql)" = "on $certificate" ]
}

run() {
  pg_state
  if ! show_is_used; then return 0; fi
  pg_log_mark
  pg_reload || die "the server doesn't reload"
  changed "$unit shows $certificate"
}

show_now() {
  shown=$(timeout 5 openssl s_client -connect "$show_at" -starttls postgres 2>/dev/null </dev/null | openssl x509 -noout -fingerprint 2>/dev/null)
  [ -n "$shown" ] && [ "$shown" = "$(openssl x509 -in "$certificate" -noout -fingerprint)" ]
}

verify() {
  pg_state
  if ! show_is_used; then return 0; fi
  listens=$(echo 'show listen_addresses;' | pg_sql)
  show_at=$(printf '%s' "${listens%%,*}" | tr -d ' ')
  case $show_at in
    '*' | 0.0.0.0) show_at=127.0.0.1:$port ;;
    *:*) show_at="[$show_at]:$port" ;;
    *) show_at=$show_at:$port ;;
  esac
  wait_until 5 show_now || die "the server doesn't show $certificate: $(pg_tls_refused)"
}
