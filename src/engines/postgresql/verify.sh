# shellcheck shell=sh disable=SC2154
# Proves that a replica follows: connected to the right upstream, and everything replayed that the upstream had when asked.
# The receive position proves nothing (it is equal on a replica whose replay is stuck), so only what is replayed counts.
#
# Changes nothing, in any phase. Can be run again. Prints `measured caught_up` (seconds).
# Variables: version, cluster, port; upstream_address, upstream_port, conninfo, role, upstream_identity (system identifier, empty:
# any), deadline (seconds for replaying, default 120; a connection must be there within 60).

check() {
  pg_place
  [ -s "$conf/replform.pgpass" ] || die "$conf/replform.pgpass isn't there"
}

run() { :; }

verify_streams() {
  pg_state
  [ "$pg_status" = ready ] || return 1
  [ "$(
    pg_limit=5 pg_sql -v host="$upstream_address" -v port="$upstream_port" 2>/dev/null <<'SQL'
select count(*) from pg_stat_wal_receiver where status = 'streaming' and sender_host = :'host' and sender_port = :'port'::int;
SQL
  )" = 1 ]
}

verify_replayed() {
  [ "$(echo "select pg_last_wal_replay_lsn() >= :'lsn'::pg_lsn;" | pg_limit=5 pg_sql -v lsn="$target" 2>/dev/null)" = t ]
}

# What is in the way, for people.
verify_why() {
  pg_state
  [ "$pg_status" = ready ] || { printf 'the server is %s' "$pg_status" && return 0; }
  pg_limit=5 pg_sql <<'SQL'
select case when not pg_is_in_recovery() then 'it is a primary'
 when pg_is_wal_replay_paused() then 'replay is paused'
 else coalesce((select 'reads from '||coalesce(sender_host,'nobody')||':'||coalesce(sender_port::text,'?')||', '||status from pg_stat_wal_receiver), 'not connected')
 ||', replayed up to '||coalesce(pg_last_wal_replay_lsn()::text,'nothing') end;
SQL
  tail -n 40 -- "$log" 2>/dev/null | grep -E 'FATAL|ERROR|WARNING' | tail -n 1 | sed -E 's/^.*(FATAL|ERROR|WARNING): +/; its log: /'
}

verify() {
  t0=$(now)
  limit=${deadline:-120}
  wait_until 60 verify_streams || die "it doesn't stream from $upstream_address:$upstream_port after 60 s: $(verify_why | tr '\n' ' ')"
  said=$(pg_identify 2>&1) || die "the upstream doesn't tell its position: $(pg_said "$said")"
  if [ -n "${upstream_identity:-}" ] && [ "${said%%|*}" != "$upstream_identity" ]; then
    die "it streams from $upstream_address:$upstream_port, where the data set ${said%%|*} is now; the plan saw $upstream_identity"
  fi
  target=$(printf '%s' "$said" | cut -d '|' -f 3)
  case $target in
    */*) ;;
    *) die "the upstream's position isn't understood: $said" ;;
  esac
  wait_until "$limit" verify_replayed || die "it hasn't replayed $target after $limit s: $(verify_why | tr '\n' ' ')"
  [ "$(echo 'select pg_is_in_recovery();' | pg_sql)" = t ] || die "it isn't in recovery: it takes writes"
  note "streams from $upstream_address:$upstream_port, replayed up to $target"
  measured caught_up "$(since "$t0")"
}
