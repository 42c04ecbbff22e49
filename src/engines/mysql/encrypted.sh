# shellcheck shell=sh disable=SC2154
# Proves, on the upstream, that a replica reads its binary log by TLS, and that its account asks for a certificate. A connection that
# stood before TLS was wanted outlives every reload, so one in clear is ended here: the replica comes back by TLS.
#
# Changes: connections of that account that aren't encrypted end. Proves: the account reads, by TLS, and must show a certificate.
# Can be run again.
# Variables: port; role, requires (what the account must show).

check() {
  my_place
  own_name "$role"
  my_running
}

run() {
  for id in $(my_ask "select group_concat(processlist_id separator ' ') from performance_schema.threads where processlist_user = '$role'
    and connection_type <> 'SSL/TLS'" | grep -v NULL); do
    if echo "kill $id;" | my_sql >/dev/null 2>&1; then changed "ended an unencrypted connection of $role"; fi
  done
}

encrypted_now() {
  encrypted_said=$(my_ask "select case when count(*) = 0 then 'no connection of $role reads the binary log'
    when sum(t.connection_type <> 'SSL/TLS') then '$role reads the binary log unencrypted'
    else concat('good ', min(v.variable_value), ' ', min(c.variable_value)) end
    from performance_schema.threads t
    left join performance_schema.status_by_thread v on v.thread_id = t.thread_id and v.variable_name = 'Ssl_version'
    left join performance_schema.status_by_thread c on c.thread_id = t.thread_id and c.variable_name = 'Ssl_cipher'
    where t.processlist_user = '$role' and t.processlist_command like 'Binlog Dump%'")
  case $encrypted_said in 'good '*) return 0 ;; *) return 1 ;; esac
}

verify() {
  encrypted_said=''
  wait_until 60 encrypted_now || die "${encrypted_said:-no answer from the server}"
  [ "$(my_ask "select count(*) from mysql.user where user = '$role' and if(ssl_type = 'SPECIFIED', convert(x509_subject using utf8mb4), ssl_type) <> $(my_quoted "$requires")")" = 0 ] ||
    die "the account $role can be used without its certificate"
  note "encrypted: ${encrypted_said#good }, client $requires"
}
