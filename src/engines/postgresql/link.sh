# shellcheck shell=sh disable=SC2154
# Makes a standby read from its upstream: our drop-in with primary_conninfo and slot, start at boot, then a start or a reload.
#
# Changes: the marker, conf.d/90-replform.conf (whole), start.conf, the running server. Never starts a server that would be a
# primary. A start that fails is stopped again, with the log's last lines in the message. Proves that the server is in recovery
# and that its settings come from our drop-in. Can be run again.
# Variables: version, cluster, port; settings (lines `name = 'value'`, the whole drop-in), restart (yes: where a setting needs
# it), deadline (seconds for a start, default 840), marker_json, marker_file. upstream_address and others are not used.

check() {
  pg_place
  pg_drop_in_is_read
  [ -s "$conf/replform.pgpass" ] || die "$conf/replform.pgpass isn't there: the account comes first"
  pg_state
  if [ "$pg_status" = down ]; then
    [ -e "$data/PG_VERSION" ] || die "$data holds no data: the copy comes first"
    [ -e "$data/standby.signal" ] || die "$data has no standby.signal: its server would start as a primary"
  elif [ "$pg_status" = ready ]; then
    pg_running
    [ "$(echo 'select pg_is_in_recovery();' | pg_sql)" = t ] || die "the server on port $port is a primary: it isn't linked over its data"
  fi
  stale=$(grep -E '^[[:space:]]*primary_(conninfo|slot_name)[[:space:]]*=' -- "$data/postgresql.auto.conf" 2>/dev/null | pg_names | tr '\n' ' ')
  [ -z "$stale" ] || die "postgresql.auto.conf sets $stale, which wins over any file: ALTER SYSTEM RESET it, or it isn't replform's to link"
}

link_start_conf() {
  if grep -qx auto "$conf/start.conf" 2>/dev/null; then return 0; fi
  { grep -s '^#' -- "$conf/start.conf"; echo auto; } | write_file "$conf/start.conf" 0644 "$owner:$owner" || die "$conf/start.conf can't be written"
  systemctl daemon-reload
  changed "$conf/start.conf: auto"
}

link_drop_in() {
  before=$(pg_drop_in)
  if [ "$before" = "$settings" ]; then return 0; fi
  printf '%s\n' "$settings" | pg_drop_in_write || die "$conf/conf.d/90-replform.conf can't be written"
  trouble=$(pg_config_error)
  if [ -n "$trouble" ]; then
    pg_drop_in_put_back "$before"
    die "the server refuses it: $trouble; the drop-in is as it was before"
  fi
  changed "$conf/conf.d/90-replform.conf"
}

# Settings of ours that only a restart brings.
link_pending() {
  echo "select name from pg_settings where pending_restart and name = any(string_to_array(:'names', chr(10))) order by name;" |
    pg_sql -v names="$(printf '%s\n' "$settings" | pg_names)" | tr '\n' ' '
}

run() {
  marker_write
  link_drop_in
  link_start_conf
  pg_state
  if [ "$pg_status" = ready ]; then
    pg_reload || die "the server doesn't reload"
    sleep 0.3
    if [ "${restart:-no}" != yes ] || [ -z "$(link_pending)" ]; then return 0; fi
    pg_stop 120 || die "the server doesn't stop"
    changed "stopped $unit"
  fi
  pg_state
  case $pg_status in
    starting | standby) kill -s HUP "$pg_pid" || note "the server ended just now" ;;
    stopping) wait_until 120 pg_is_down || die "the server doesn't stop" ;;
  esac
  # Looked at again at the last moment: without it the start would make a second primary.
  [ -e "$data/standby.signal" ] || die "$data has no standby.signal: its server would start as a primary"
  t0=$(now)
  pg_start "${deadline:-840}" || link_failed
  changed "started $unit"
  measured started "$(since "$t0")"
}

link_failed() {
  said=$(pg_log_tail)
  if [ "$pg_status" = down ]; then die "the server doesn't start: ${said:-its log says nothing}"; fi
  die "the server is $pg_status for more than ${deadline:-840} s and goes on; ${said:-its log says nothing}"
}

verify() {
  pg_state
  [ "$pg_status" = ready ] || die "the server is $pg_status"
  found=$(
    pg_sql <<'SQL'
select case when not pg_is_in_recovery() then 'the server is a primary'
 when not exists (select from pg_settings where name = 'primary_conninfo' and sourcefile like '%/conf.d/90-replform.conf')
  then 'primary_conninfo comes from '||(select coalesce(sourcefile, source) from pg_settings where name = 'primary_conninfo')||', not from our drop-in'
 else 'good' end;
SQL
  ) || die "the server doesn't answer"
  [ "$found" = good ] || die "$found"
}
