# shellcheck shell=sh disable=SC2154
# Puts settings into our drop-in conf.d/90-replform.conf, reloads, and restarts the server where a setting needs it and the
# plan says so. Never ALTER SYSTEM: that file lies in the data directory and travels with every copy.
#
# Changes the drop-in (our other lines in it stay) and what the server makes of it. A setting that is refused, or a server that
# doesn't come back, gets the drop-in as it was before. Proves that pg_settings shows the values. Can be run again.
# Variables: version, cluster, port; settings (lines `name = 'value'`); expect (lines `name=value`: what the plan saw);
# restart (yes, no); retire_auto (names to take out of postgresql.auto.conf, one a line; normally empty).
# Prints `measured no_writes` (seconds) when it restarts.

# The value of a `name = 'value'` line of $settings.
configure_wanted() {
  printf '%s\n' "$settings" | sed -nE "s/^$1 = '(.*)'\$/\1/p" | sed "s/''/'/g" | tail -n 1
}

configure_value() {
  if [ "$pg_status" = down ]; then
    timeout 10 runuser -u "$owner" -- "$bin/postgres" -C "$1" -c "config_file=$conf/postgresql.conf" 2>/dev/null </dev/null
  else
    printf '%s\n' "select setting from pg_settings where name = :'name';" | pg_sql -v name="$1"
  fi
}

# Our settings that wait for a restart, one a line.
configure_pending() {
  echo "select name from pg_settings where pending_restart and name = any(string_to_array(:'names', chr(10))) order by name;" |
    pg_sql -v names="$(printf '%s\n' "$settings" | pg_names)"
}

check() {
  pg_place
  pg_drop_in_is_read
  trouble=$(pg_config_error)
  [ -z "$trouble" ] || die "the configuration on disk has an error, so the server wouldn't start again: $trouble"
  pg_state
  [ "$pg_status" = down ] || pg_running
  # The unit is `activating` for some seconds after its server is ready.
  if [ "$restart" = yes ] && [ "$pg_status" != down ] && ! wait_until 20 pg_unit_is active; then
    die "the server runs, but not by its unit $unit ($(pg_unit)): it can't be restarted that way"
  fi
  while IFS= read -r seen; do
    [ -n "$seen" ] || continue
    name=${seen%%=*}
    value=$(configure_value "$name") || die "the server doesn't tell its $name"
    if [ "$value" != "${seen#*=}" ] && [ "$value" != "$(configure_wanted "$name")" ]; then
      die "$name is \"$value\" now, the plan saw \"${seen#*=}\": plan again"
    fi
  done <<LINES
$expect
LINES
}

configure_refuse() {
  pg_drop_in_put_back "$before"
  changed "$conf/conf.d/90-replform.conf, put back"
  [ "$pg_status" = down ] || pg_reload
  die "$1; the drop-in is as it was before"
}

# What the server will make of the files, before it reads them.
configure_examine() {
  trouble=$(pg_config_error)
  [ -z "$trouble" ] || configure_refuse "the server refuses it: $trouble"
  trouble=$(
    pg_sql -v names="$(printf '%s\n' "$settings" | pg_names)" <<'SQL'
select name||' stands in '||sourcefile||':'||sourceline||' too, which wins' from
 (select distinct on (name) name,sourcefile,sourceline from pg_file_settings order by name,seqno desc) last
 where name = any(string_to_array(:'names', chr(10))) and sourcefile not like '%/conf.d/90-replform.conf' limit 1;
SQL
  ) || configure_refuse "the server doesn't tell what it makes of the drop-in"
  [ -z "$trouble" ] || configure_refuse "$(printf '%s' "$trouble" | head -n 1)"
}

configure_write() {
  before=$(pg_drop_in)
  names=$(printf '%s\n' "$settings" | pg_names)
  after=$(
    printf '%s\n' "$before" | while IFS= read -r line; do
      [ -n "$line" ] || continue
      printf '%s\n' "$names" | grep -qxF -- "$(printf '%s\n' "$line" | pg_names)" || printf '%s\n' "$line"
    done
    printf '%s\n' "$settings" | grep .
  )
  if [ "$before" = "$after" ]; then return 0; fi
  printf '%s\n' "$after" | pg_drop_in_write || die "$conf/conf.d/90-replform.conf can't be written"
  changed "$conf/conf.d/90-replform.conf"
}

configure_restart() {
  echo 'checkpoint;' | pg_limit=600 pg_sql || die "a CHECKPOINT before the restart failed; nothing was restarted"
  old_pid=$pg_pid
  pg_log_mark
  t0=$(now)
  # One job for both: were this host's connection cut now, the server would still come back.
  systemctl restart --no-block "$unit" || die "systemd refused to restart $unit"
  configure_came_back && measured no_writes "$(since "$t0")" && return 0
  why=$(pg_log_tail)
  pg_state
  if [ -n "$pg_pid" ] && [ "$pg_pid" = "$old_pid" ]; then
    die "the server hasn't shut down within 90 s of being told to (a standby whose connection is dead keeps it up to wal_sender_timeout); it restarts by itself when that ends"
  fi
  [ "$pg_status" = down ] || die "the server is $pg_status for more than 90 s; it goes on by itself"
  pg_drop_in_put_back "$before"
  if pg_start 90; then
    die "the server didn't start with the new settings ($why); it runs with those from before, after $(since "$t0") s"
  fi
  die "the server didn't start with the new settings ($why), nor with those from before ($(pg_log_tail)): it is down"
}

configure_stopped() {
  pg_state
  [ "$pg_pid" != "$old_pid" ]
}

configure_came_back() {
  wait_until 90 configure_stopped && pg_wait_up 90 && [ "$pg_status" = ready ]
}

run() {
  pg_state
  configure_write
  if [ "$pg_status" = down ]; then
    trouble=$(pg_config_error)
    [ -z "$trouble" ] || configure_refuse "the server refuses it: $trouble"
    return 0
  fi
  printf '%s\n' "$retire_auto" | while IFS= read -r name; do
    [ -n "$name" ] || continue
    printf '%s\n' "alter system reset :\"name\";" | pg_sql -v name="$name" || exit 1
    changed "postgresql.auto.conf: $name"
  done || configure_refuse "a setting can't be taken out of postgresql.auto.conf"
  configure_examine
  pg_log_mark
  pg_reload || die "the server doesn't reload"
  # A reload comes into force a moment later.
  wait_until 5 configure_reloaded
  # Settings show certificates that the server doesn't take: it says so in its log only.
  case $settings in
    *ssl_*)
      trouble=$(pg_tls_refused)
      [ -z "$trouble" ] || configure_refuse "the server doesn't take its certificate: $trouble"
      ;;
  esac
  configure_settled || [ "$restart" = yes ] ||
    configure_refuse "after the reload these wait for a restart, which the plan doesn't have: $(configure_pending | tr '\n' ' ')"
  if [ "$restart" = yes ] && [ -n "$(configure_pending)" ]; then
    configure_restart
    changed "restarted $unit"
  fi
}

configure_reloaded() { configure_settled || [ -n "$(configure_pending)" ]; }

# Whether pg_settings shows every value that is wanted.
configure_settled() {
  printf '%s\n' "$settings" | pg_names | while IFS= read -r name; do
    [ "$(configure_value "$name")" = "$(configure_wanted "$name")" ] || exit 1
  done
}

verify() {
  pg_state
  printf '%s\n' "$settings" | pg_names | while IFS= read -r name; do
    value=$(configure_value "$name")
    [ "$value" = "$(configure_wanted "$name")" ] ||
      die "$name is \"$value\" and not \"$(configure_wanted "$name")\"$([ "$pg_status" = down ] || configure_source "$name")"
  done || exit 22
}

configure_source() {
  printf '%s\n' "select ', by '||coalesce(sourcefile,source) from pg_settings where name = :'name';" | pg_sql -v name="$1"
}
