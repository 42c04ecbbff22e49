# shellcheck shell=sh disable=SC2154
# Makes an upstream fit for replicas: the clone plugin, GTIDs turned on step by step while it runs, settings in our file; restarts
# the server where a setting needs it and the plan says so. Never SET PERSIST: that file lies in the data directory.
#
# Changes the server's plugins and variables, our file (our other lines in it stay). A file that is refused, or a server that
# doesn't come back, gets the file as it was before. Proves that the server has the values. Can be run again.
# Variables: port; settings (lines `name = value` for our file); expect (lines `name=value`: what the plan saw); plugin (yes: the
# clone plugin must be there); restart (yes, no). Prints `measured no_writes` (seconds) when it restarts.

# What the server has, as the plan writes it. $1 name
configure_value() {
  case $1 in
    clone) my_ask "select if(count(*), 'active', 'missing') from information_schema.plugins where plugin_name = 'clone' and plugin_status = 'ACTIVE'" ;;
    *) my_ask "select variable_value from performance_schema.global_variables where variable_name = '$1'" ;;
  esac
}

configure_wanted() {
  case $1 in
    clone) echo active ;;
    log_bin) echo ON ;;
    *) printf '%s\n' "$settings" | my_value "$1" ;;
  esac
}

# A value with the words of a file and of the server made equal.
configure_plain() {
  case $1 in
    1 | on | On | ON | yes | YES) echo ON ;;
    0 | off | Off | OFF | no | NO) echo OFF ;;
    *) printf '%s\n' "$1" ;;
  esac
}

configure_has() { [ "$(configure_plain "$(configure_value "$1")")" = "$(configure_plain "$(configure_wanted "$1")")" ]; }

check() {
  my_place
  my_running
  trouble=$(my_config_error)
  [ -z "$trouble" ] || die "the configuration on disk has an error, so the server wouldn't start again: $trouble"
  if [ "$restart" = yes ] && [ "$(my_unit)" != active ]; then
    die "the server runs, but not by its unit $unit ($(my_unit)): it can't be restarted that way"
  fi
  while IFS= read -r seen; do
    [ -n "$seen" ] || continue
    name=${seen%%=*}
    value=$(configure_value "$name")
    if [ "$value" != "${seen#*=}" ] && ! configure_has "$name"; then
      # GTIDs may stand between the two where an earlier run was cut off.
      case $name in gtid_mode | enforce_gtid_consistency) continue ;; esac
      die "$name is \"$value\" now, the plan saw \"${seen#*=}\": plan again"
    fi
  done <<LINES
$expect
LINES
}

configure_refuse() {
  my_drop_in_put_back "$before"
  changed "$drop_in, put back"
  die "$1; the file is as it was before"
}

configure_write() {
  before=$(my_drop_in)
  names=$(printf '%s\n' "$settings" | my_names)
  after=$(
    printf '%s\n' "$before" | while IFS= read -r line; do
      [ -n "$line" ] || continue
      printf '%s\n' "$names" | grep -qxF -- "$(printf '%s\n' "$line" | my_names)" || printf '%s\n' "$line"
    done
    printf '%s\n' "$settings" | grep .
  )
  if [ -z "$after" ] || [ "$before" = "$after" ]; then return 0; fi
  printf '%s\n' "$after" | my_drop_in_write || die "$drop_in can't be written"
  changed "$drop_in"
  trouble=$(my_config_error)
  [ -z "$trouble" ] || configure_refuse "the server refuses it: $trouble"
  trouble=$(my_overridden "$settings")
  [ -z "$trouble" ] || configure_refuse "$trouble"
}

configure_plugin() {
  if [ "${plugin:-no}" != yes ] || [ "$(configure_value clone)" = active ]; then return 0; fi
  said=$(echo "install plugin clone soname 'mysql_clone.so';" | my_sql 2>&1) || die "the clone plugin can't be loaded: $(my_said "$said")"
  changed "clone plugin loaded"
}

configure_set() {
  case $1 in ssl_*) set -- "$1" "$(my_quoted "$2")" ;; esac
  said=$(echo "set global $1 = $2;" | my_sql 2>&1) || die "$1 can't be set to $2: $(my_said "$said")"
  changed "$1 = $2"
}

# Turns GTIDs on while writers go on, one step at a time (the server refuses to skip one). Statements that GTIDs don't allow
# would fail from then on, so they are looked for in the log first; finding one puts things back.
configure_gtid() {
  if [ "$(configure_wanted gtid_mode)" != ON ]; then return 0; fi
  case $(configure_value enforce_gtid_consistency) in
    ON) ;;
    *)
      my_log_mark
      configure_set enforce_gtid_consistency WARN
      sleep 10
      broken=$(tail -c "+$((log_mark + 1))" -- "$log" 2>/dev/null | grep -E 'MY-01307[0-9]|MY-013208|GTID consistency' | head -n 1)
      if [ -n "$broken" ]; then
        configure_set enforce_gtid_consistency OFF
        die "the apps use statements that GTIDs don't allow, so GTIDs stay off: $(printf '%s' "$broken" | sed 's,^.*\[Server\] ,,' | cut -c 1-300)"
      fi
      configure_set enforce_gtid_consistency ON
      ;;
  esac
  if [ "$(configure_value gtid_mode)" = OFF ]; then configure_set gtid_mode OFF_PERMISSIVE; fi
  if [ "$(configure_value gtid_mode)" = OFF_PERMISSIVE ]; then configure_set gtid_mode ON_PERMISSIVE; fi
  if [ "$(configure_value gtid_mode)" = ON_PERMISSIVE ]; then
    wait_until 120 configure_no_anonymous ||
      die "transactions without a GTID are still open after 120 s; gtid_mode stays ON_PERMISSIVE, which hurts nobody; run again"
    configure_set gtid_mode ON
  fi
}

configure_no_anonymous() {
  [ "$(my_ask "select variable_value from performance_schema.global_status where variable_name = 'Ongoing_anonymous_transaction_count'")" = 0 ]
}

# Pages that wait for the disk are written before, while writers go on: a shutdown would write them while nobody can.
configure_flush() {
  echo 'set global innodb_max_dirty_pages_pct_lwm = 0; set global innodb_max_dirty_pages_pct = 0;' | my_sql || return 0
  wait_until 60 configure_is_flushed || note "the server still has unwritten pages after 60 s; its shutdown will take longer"
}

configure_is_flushed() {
  [ "$(my_ask "select variable_value < 500 from performance_schema.global_status where variable_name = 'Innodb_buffer_pool_pages_dirty'")" = 1 ]
}

configure_restart() {
  configure_flush
  old_pid=$(my_pid)
  my_log_mark
  t0=$(now)
  # One job for both: were this host's connection cut now, the server would still come back.
  systemctl restart --no-block "$unit" || die "systemd refused to restart $unit"
  configure_came_back && measured no_writes "$(since "$t0")" && return 0
  why=$(my_log_tail)
  if [ "$(my_pid)" = "$old_pid" ]; then
    die "the server hasn't shut down within 180 s of being told to; it restarts by itself when that ends"
  fi
  ! data_used "$data" || die "the server doesn't answer for more than 180 s; it goes on by itself"
  my_drop_in_put_back "$before"
  if my_start 180; then
    die "the server didn't start with the new settings ($why); it runs with those from before, after $(since "$t0") s"
  fi
  die "the server didn't start with the new settings ($why), nor with those from before ($(my_log_tail)): it is down"
}

configure_stopped() { [ "$(my_pid)" != "$old_pid" ]; }

configure_came_back() {
  wait_until 180 configure_stopped && my_wait_up 180
}

# New certificates are taken up at once or not at all: those in use stay where the new ones are refused.
configure_tls() {
  case $settings in *ssl_*) ;; *) return 0 ;; esac
  said=$(echo 'alter instance reload tls;' | my_sql 2>&1) || configure_refuse "the server doesn't take its certificate: $(my_said "$said")"
  changed "certificates in force"
}

# The settings that only a restart brings.
configure_pending() {
  printf '%s\n' "$settings" | my_names | while IFS= read -r name; do
    case $name in bind_address | log_bin) configure_has "$name" || printf '%s ' "$name" ;; esac
  done
}

run() {
  configure_plugin
  configure_gtid
  configure_write
  for name in $(printf '%s\n' "$settings" | my_names); do
    case $name in bind_address | log_bin | gtid_mode | enforce_gtid_consistency) continue ;; esac
    configure_has "$name" || configure_set "$name" "$(configure_wanted "$name")"
  done
  configure_tls
  if [ -n "$(configure_pending)" ]; then
    [ "$restart" = yes ] || configure_refuse "these wait for a restart, which the plan doesn't have: $(configure_pending)"
    configure_restart
    changed "restarted $unit"
  fi
}

verify() {
  my_running
  for name in $(printf '%s\n' "$settings" | my_names) $([ "${plugin:-no}" = yes ] && echo clone); do
    configure_has "$name" || die "$name is \"$(configure_value "$name")\" and not \"$(configure_wanted "$name")\""
  done
}
