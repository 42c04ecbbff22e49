# shellcheck shell=sh disable=SC2154
# Proves that a replica follows: both threads run, by GTID, from the right upstream, and everything is applied that the upstream
# had when asked. The server's own lag proves nothing (it is 0 on a link that is cut and not yet noticed).
#
# Changes nothing, in any phase. Can be run again. Prints `measured caught_up` (seconds).
# Variables: port; upstream_address, upstream_port, role, tls_ca (where both ends are proved), deadline (seconds for catching up, default 120; a connection must be
# there within 60).

check() {
  maria_place
  [ -s "$link_file" ] || die "$link_file isn't there"
}

run() { :; }

verify_streams() {
  [ "$(maria_unit)" = active ] || return 1
  [ "$(maria_slave Master_Host):$(maria_slave Master_Port) $(maria_slave Slave_IO_Running) $(maria_slave Slave_SQL_Running) $(maria_slave Using_Gtid)" = \
    "$upstream_address:$upstream_port Yes Yes Slave_Pos" ]
}

# In slices, so that a thread that stops is seen.
verify_applied() {
  waited=$(printf 'select master_gtid_wait(%s, 3);\n' "$(maria_literal "$target")" | maria_limit=10 maria_sql 2>/dev/null)
  [ "$waited" = 0 ] || ! verify_streams
}

# What is in the way, for people.
verify_why() {
  [ "$(maria_unit)" = active ] || { printf 'the server is %s' "$(maria_unit)" && return 0; }
  for thread in IO SQL; do
    error=$(maria_slave "Last_${thread}_Error")
    [ -z "$error" ] || printf '%s ' "$error"
  done
  printf 'threads: %s, %s; applied up to %s' "$(maria_slave Slave_IO_Running)" "$(maria_slave Slave_SQL_Running)" "$(maria_variable gtid_slave_pos)"
}

verify() {
  t0=$(now)
  limit=${deadline:-120}
  maria_running
  wait_until 60 verify_streams || die "it doesn't stream from $upstream_address:$upstream_port after 60 s: $(verify_why)"
  target=$(echo 'select @@gtid_binlog_pos;' | maria_upstream_sql 2>&1) || die "the upstream doesn't tell its position: $(maria_words "$target")"
  case $target in
    *[!0-9,-]*) die "the upstream's position isn't understood: $target" ;;
  esac
  if [ -n "$target" ]; then
    wait_until "$limit" verify_applied || die "it hasn't applied $target after $limit s: $(verify_why)"
    [ "$waited" = 0 ] || die "it stopped before it had applied $target: $(verify_why)"
  fi
  if [ -n "$tls_ca" ] && [ "$(maria_slave Master_SSL_Allowed) $(maria_slave Master_SSL_Verify_Server_Cert) $(maria_slave Master_SSL_CA_File)" != "Yes Yes $tls_ca" ]; then
    die "its connection isn't encrypted and verified by $tls_ca"
  fi
  [ "$(maria_variable read_only)" != OFF ] || die "it isn't read_only: it takes writes"
  own=$(maria_own_writes) || die "the GTIDs of this server or of its upstream can't be asked for"
  [ -z "$own" ] || die "it has transactions of its own ($own): somebody wrote to it"
  note "streams from $upstream_address:$upstream_port, applied up to ${target:-the beginning}"
  measured caught_up "$(since "$t0")"
}
