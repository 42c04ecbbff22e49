# shellcheck shell=sh disable=SC2154
# Proves, on the upstream, that a replica's connection is encrypted and that its certificate was shown. A connection that stood
# before TLS was wanted outlives every reload, so one in clear is ended here: the replica comes back by TLS.
#
# Changes: sessions of that role that aren't encrypted end. Proves: the role streams, by TLS, with a client certificate, and has no
# session in clear. Can be run again.
# Variables: version, cluster, port; role.

check() {
  pg_place
  own_name "$role"
  pg_running
}

run() {
  ended=$(
    pg_sql -v role="$role" <<'SQL'
select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity where usename = :'role' and backend_type in ('walsender', 'client backend')
 and client_addr is not null and not exists (select from pg_stat_ssl s where s.pid = pg_stat_activity.pid and s.ssl) offset 0) ended;
SQL
  ) || die "the server doesn't tell its sessions"
  [ "$ended" = 0 ] || changed "ended $ended unencrypted sessions of $role"
}

encrypted_now() {
  encrypted_said=$(
    pg_limit=5 pg_sql -v role="$role" 2>&1 <<'SQL'
select case when count(*) = 0 then 'no session of '||:'role'||' streams' when not bool_and(coalesce(s.ssl, false)) then :'role'||' streams unencrypted'
 when not bool_and(s.client_dn is not null) then :'role'||' streams without a certificate of its own'
 else 'good '||min(s.version)||' '||min(s.cipher)||', client '||min(s.client_dn) end
 from pg_stat_replication r left join pg_stat_ssl s using (pid) where r.usename = :'role' and r.state in ('streaming', 'catchup');
SQL
  ) || return 1
  case $encrypted_said in 'good '*) return 0 ;; *) return 1 ;; esac
}

verify() {
  encrypted_said=''
  wait_until 60 encrypted_now || die "${encrypted_said:-no answer from the server}"
  note "encrypted: ${encrypted_said#good }"
}
