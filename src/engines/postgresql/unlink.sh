# shellcheck shell=sh disable=SC2154
# Makes a standby a standalone, writable server: it catches up with its upstream as far as it can, is promoted, and what
# replform put beside it and into it goes: our drop-in, the password file, roles. Its data stays.
#
# A standby that is stopped is started first: promoted is only what replayed its log. Changes: the running server (a new timeline),
# conf.d/90-replform.conf, replform.pgpass. Proves that the server takes writes. Can be run again: a server that takes writes
# already only loses what is ours.
# Variables: version, cluster, port; upstream_address, upstream_port, conninfo, role, slot; deadline (seconds to catch up in);
# keep (names of settings in our drop-in that stay, one a line), accounts (roles of ours in the data, one a line).

check() {
  pg_place
  pg_state
  case $pg_status in
    ready) pg_running ;;
    down)
      [ -e "$data/PG_VERSION" ] || die "$data holds no data"
      ;;
  esac
}

unlink_recovers() { [ "$(echo 'select pg_is_in_recovery();' | pg_sql)" = t ]; }

# Bytes that are not replayed yet, of what the upstream had at $1, or of what was received.
unlink_behind() {
  printf '%s\n' "select greatest(0, pg_wal_lsn_diff(coalesce(nullif(:'upto', '')::pg_lsn, pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), pg_last_wal_replay_lsn()))::bigint;" |
    pg_sql -v upto="$1"
}

unlink_caught_up() { [ "$(unlink_behind "$upto")" = 0 ]; }

# All that the upstream has now is waited for: after this nothing more comes. An upstream that doesn't answer has nothing to wait for.
unlink_catch_up() {
  said=$(pg_identify 2>/dev/null) || said=''
  upto=$(printf '%s\n' "$said" | head -n 1 | cut -d '|' -f 3)
  case $upto in
    *[!0-9A-F/]* | '')
      upto=''
      note "its upstream doesn't answer it, so it is promoted with what it has received"
      ;;
  esac
  if ! wait_until "$deadline" unlink_caught_up; then
    die "it is $(unlink_behind "$upto") bytes behind its upstream after $deadline s; it goes on following: find out why, then apply again"
  fi
}

run() {
  pg_state
  if [ "$pg_status" = down ] && [ -e "$data/standby.signal" ]; then
    pg_start 840 || die "the server doesn't start, so it can't be promoted: $(pg_log_tail)"
    changed "started $unit"
  fi
  pg_state
  if [ "$pg_status" != down ]; then
    wait_until 120 pg_is_up || die "the server is $pg_status"
    if unlink_recovers; then
      unlink_catch_up
      t0=$(now)
      [ "$(echo 'select pg_promote(true, 120);' | pg_limit=150 pg_sql)" = t ] || die "the server wasn't promoted within 120 s: $(pg_log_tail)"
      changed "promoted $unit"
      measured promoted "$(since "$t0")"
    fi
  fi
  # After the promotion: a standby without its drop-in would lose its upstream, and could not be told where to go on.
  pg_drop_in_reduce "$keep"
  tls_remove
  if [ -e "$conf/replform.pgpass" ]; then
    rm -f -- "$conf/replform.pgpass" || die "$conf/replform.pgpass can't be removed"
    changed "removed $conf/replform.pgpass"
  fi
  pg_state
  [ "$pg_status" != ready ] || unlink_roles
}

# They came with the data, and nobody logs in here by them.
unlink_roles() {
  printf '%s\n' "$accounts" | while IFS= read -r account; do
    [ -n "$account" ] || continue
    own_name "$account"
    role_remove "$account"
  done || exit 21
}

verify() {
  pg_state
  [ ! -e "$data/standby.signal" ] || die "$data still has standby.signal"
  if [ "$pg_status" = down ]; then return 0; fi
  [ "$(echo 'show transaction_read_only;' | pg_sql)" = off ] || die "the server doesn't take writes"
  [ ! -e "$conf/replform.pgpass" ] || die "$conf/replform.pgpass is still there"
}
