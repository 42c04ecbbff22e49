# shellcheck shell=sh disable=SC2154
# Proves, on the upstream, that a replica's account can't be used without TLS and its certificate, and that the replica reads. The
# server has no list of which connections are encrypted; the replica's own proof (verify.sh) and this make one.
#
# Changes: connections of that account from before it asked for a certificate end (those that another has taken the place of).
# Proves: what the account asks for; one connection of it reads the binlog. Can be run again.
# Variables: port; role, address (the replica's), requires (what the account must show).

check() {
  maria_place
  own_name "$role"
  maria_running
}

encrypted_dumps() {
  printf "select id from information_schema.processlist where user = %s and command like 'Binlog Dump%%' order by id desc;\n" "$(maria_literal "$role")" | maria_sql
}

run() {
  encrypted_dumps | tail -n +2 | while IFS= read -r id; do
    if printf 'kill %s;\n' "$id" | maria_sql >/dev/null 2>&1; then changed "ended an older connection of $role"; fi
  done
}

encrypted_reads() { [ "$(encrypted_dumps | wc -l)" = 1 ]; }

verify() {
  asks=$(
    printf "select case ifnull(json_value(priv, '$.ssl_type'), 0) when 1 then 'ANY' when 2 then 'X509' when 3 then json_value(priv, '$.x509_subject') end
 from mysql.global_priv where user = %s and host = %s;\n" "$(maria_literal "$role")" "$(maria_literal "$address")" | maria_sql
  )
  [ "$asks" = "$requires" ] || die "the account $role asks for \"$asks\", not for the certificate $requires"
  wait_until 30 encrypted_reads || die "no connection of $role reads the binlog, or more than one"
  note "encrypted: the account asks for the certificate $requires"
}
