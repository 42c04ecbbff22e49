# shellcheck shell=sh disable=SC2154,SC2034
# Makes a replica a standalone, writable server: it catches up with all that its upstream has now, then it forgets it, takes writes, and
# what replform put beside it and into it goes: our file, certificates, accounts, the note of the copy. Its data stays.
#
# A server that is stopped is started first. One that can't catch up goes on following, and the step fails. Changes: its channel,
# super_read_only and read_only (persisted too), other settings of ours; the accounts go without a word in the binary log. Proves that
# it follows nobody and takes writes, now and after a restart. Can be run again, wherever it was cut off.
# Variables: port; upstream_address, upstream_port, role; deadline (seconds to catch up in); keep (names of settings in our file
# that stay, one a line), accounts (accounts of ours in the data, one a line), plugin (yes: the clone plugin goes).

check() {
  my_place
  own_name "$role"
  my_state
  case $my_status in
    silent) die "the server doesn't answer" ;;
    down) [ -e "$data/mysql.ibd" ] || die "$data holds no server's data" ;;
    up)
      my_running
      unlink_is_ours
      ;;
  esac
}

# A field of the default channel's settings; empty where there is none.
unlink_channel() {
  my_ask "select $1 from performance_schema.replication_connection_configuration where channel_name = '' and host <> ''"
}

# Dies where it reads from somebody else by now.
unlink_is_ours() {
  unlink_from=$(unlink_channel "concat(host, ':', port)")
  if [ -z "$unlink_from" ] || [ "$unlink_from" = "$upstream_address:$upstream_port" ] || [ "$(unlink_channel user)" = "$role" ]; then return 0; fi
  die "it reads from $unlink_from as $(unlink_channel user) now, which replform didn't set: left alone"
}

# A field of what the channel logs in with, as the server keeps it for itself; never printed.
unlink_login() { my_ask "select ifnull($1, '') from mysql.slave_master_info where channel_name = ''"; }

# What the upstream has executed, asked as the channel logs in there.
unlink_upstream_has() {
  role=$(unlink_login user_name) password=$(unlink_login user_password)
  upstream_address=$(unlink_login host) upstream_port=$(unlink_login port)
  tls_ca=$(unlink_login ssl_ca) tls_cert=$(unlink_login ssl_cert) tls_key=$(unlink_login ssl_key) tls_mode=PREFERRED
  if [ -n "$tls_ca" ]; then tls_mode=VERIFY_IDENTITY; fi
  echo 'select @@global.gtid_executed;' | my_on_upstream 2>/dev/null | tr -d '\n '
}

unlink_has_target() { [ "$(my_ask "select gtid_subset($(my_quoted "$target"), @@global.gtid_executed)")" = 1 ]; }

unlink_applies() { [ "$(my_ask "select service_state from performance_schema.replication_applier_status where channel_name = ''")" = ON ]; }

unlink_connects() { [ "$(my_ask "select service_state from performance_schema.replication_connection_status where channel_name = ''")" != OFF ]; }

# Has it, or won't get it by itself: the applier stopped, or the connection was given up and all that came is applied. In slices, so
# that this is seen.
unlink_applied() {
  if [ "$(my_limit=10 my_ask "select wait_for_executed_gtid_set($(my_quoted "$target"), 3)")" = 0 ] || ! unlink_applies; then return 0; fi
  if unlink_connects; then return 1; fi
  [ "$(my_ask "select gtid_subset(received_transaction_set, @@global.gtid_executed) from performance_schema.replication_connection_status where channel_name = ''")" = 1 ]
}

unlink_why() {
  my_limit=5 my_sql <<'SQL' | tr '\n' ' '
select concat('connection ', service_state, if(last_error_number, concat(', ', last_error_number, ' ', last_error_message), '')) from performance_schema.replication_connection_status;
select concat('applier ', service_state) from performance_schema.replication_applier_status;
select concat(last_error_number, ' ', last_error_message) from performance_schema.replication_applier_status_by_worker where last_error_number > 0 limit 1;
SQL
}

# All that the upstream has now is waited for: after this nothing more comes. Of an upstream that doesn't answer what was received is.
unlink_catch_up() {
  threads=''
  target=$(unlink_upstream_has)
  case $target in
    *-*-*-*-*:*) ;;
    *)
      target=$(my_ask "select received_transaction_set from performance_schema.replication_connection_status where channel_name = ''" | tr -d '\n ')
      threads=sql_thread
      note "its upstream can't be asked, so it goes on with what it has received"
      ;;
  esac
  # An earlier run may have stopped it.
  if ! unlink_applies || { [ -z "$threads" ] && ! unlink_connects; }; then
    said=$(echo "start replica $threads for channel '';" | my_sql 2>&1) || die "its replication doesn't start: $(my_said "$said")"
  fi
  [ -n "$target" ] || return 0
  if ! wait_until "$deadline" unlink_applied || ! unlink_has_target; then
    die "it hasn't applied all of its upstream's transactions ($(unlink_why)); it stays a replica. Mend that and apply again, or, to take \
it as it is, STOP REPLICA and RESET REPLICA ALL on it first"
  fi
}

unlink_forget_upstream() {
  t0=$(now)
  unlink_catch_up
  measured caught_up "$(since "$t0")"
  # A transaction that is being applied ends first.
  said=$(echo "stop replica for channel '';" | my_limit=600 my_sql 2>&1) || die "its replication doesn't stop: $(my_said "$said")"
  said=$(echo "reset replica all for channel '';" | my_sql 2>&1) || die "its upstream isn't forgotten: $(my_said "$said")"
  changed "reads from nobody"
}

unlink_writable() {
  said=$(echo 'reset persist if exists super_read_only; reset persist if exists read_only; set global super_read_only = off; set global read_only = off;' | my_sql 2>&1) ||
    die "it can't be made writable: $(my_said "$said")"
}

run() {
  my_state
  if [ "$my_status" = down ]; then
    my_start 840 || die "the server doesn't start, so it can't be made standalone: $(my_log_tail)"
    changed "started $unit"
  fi
  my_running
  unlink_is_ours
  [ -z "$(unlink_channel host)" ] || unlink_forget_upstream
  my_put_back "$keep"
  unlink_writable
  # They came with the data, and nobody logs in here by them.
  printf '%s\n' "$accounts" | while IFS= read -r account; do
    [ -n "$account" ] || continue
    own_name "$account"
    my_account_remove "$account" 0
  done || exit 21
  if [ "$plugin" = yes ]; then my_plugin_remove; fi
  if [ -e "$data/replform.copy" ]; then
    rm -f -- "$data/replform.copy" || die "$data/replform.copy can't be removed"
    changed "removed $data/replform.copy"
  fi
  my_tls_remove
  unlink_events
}

unlink_events() {
  found=$(my_ask "select count(*) from information_schema.events where status like '%SIDE_DISABLED'")
  [ "$found" = 0 ] || note "$found events that came by replication stay switched off here: ALTER EVENT … ENABLE"
}

verify() {
  my_running
  [ -z "$(unlink_channel host)" ] || die "it still reads from $(unlink_channel host)"
  [ "$(my_ask 'select @@global.super_read_only + @@global.read_only')" = 0 ] || die "the server doesn't take writes"
  my_put_back_stands "$keep"
  for name in super_read_only read_only; do
    case $(my_plain "$(my_option "$name")") in
      '' | OFF) ;;
      *) note "a file of yours sets $name: after its next restart it takes no writes" ;;
    esac
  done
  printf '%s\n' "$accounts" | while IFS= read -r account; do
    [ -z "$account" ] || my_account_is_gone "$account"
  done || exit 22
}
