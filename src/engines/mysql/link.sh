# shellcheck shell=sh disable=SC2154
# Makes a server read from its upstream: our file, start at boot, the channel with auto-positioning by GTID, read-only for everyone.
#
# Changes the marker, our file (whole), the running server (started where it is down), its channel (made anew: host, account,
# password), persisted values that would win over our file. Never links over data that the upstream doesn't have, nor starts a
# server that could be written to: our file has super_read_only before. Proves the channel and that the server is read-only.
# Can be run again: until the channel is complete our file keeps the server from reading from anybody after a boot.
# Variables: port; settings (lines for our file); upstream_address, upstream_port, role, password (secret), tls (1, 0: in clear),
# tls_mode, tls_ca, tls_cert, tls_key (both ends are proved; empty: they aren't), deadline (seconds for a start, default 840), upstream_identity, marker_json, marker_file.

check() {
  my_place
  own_name "$role"
  [ -n "$password" ] || die "there is no password for $role"
  [ -e "$data/mysql.ibd" ] || die "$data holds no server's data: the copy comes first"
  [ "$(printf '%s\n' "$settings" | my_value super_read_only)" = ON ] || die "the plan's file doesn't make the server read-only"
  my_state
  case $my_status in
    silent) die "the server doesn't answer, so nothing is known of its data" ;;
    down) return 0 ;;
  esac
  my_running
  if [ "$(my_ask 'select @@global.super_read_only')" != 1 ] && [ "$(link_channel)" = 0 ]; then
    die "the server on port $port takes writes: it isn't linked over its data"
  fi
}

# How many channels it has.
link_channel() { my_ask "select count(*) from performance_schema.replication_connection_configuration where host <> ''"; }

# $1: lines beside the settings.
link_drop_in() {
  wanted=$(printf '%s\n' "$settings" "$@" | grep .)
  if [ "$(my_drop_in)" = "$wanted" ]; then return 0; fi
  before=$(my_drop_in)
  printf '%s\n' "$wanted" | my_drop_in_write || die "$drop_in can't be written"
  trouble=$(my_config_error)
  [ -n "$trouble" ] || trouble=$(my_overridden "$settings")
  if [ -n "$trouble" ]; then
    my_drop_in_put_back "$before"
    die "$trouble; the file is as it was before"
  fi
  changed "$drop_in"
}

link_start() {
  my_state
  [ "$my_status" = down ] || return 0
  t0=$(now)
  my_start "${deadline:-840}" || die "the server doesn't start: $(my_log_tail)"
  changed "started $unit"
  measured started "$(since "$t0")"
}

# Brings the running server where the file will have it after a boot.
link_read_only() {
  {
    echo 'set global super_read_only = ON;'
    printf '%s\n' "$settings" | my_names | while IFS= read -r name; do echo "reset persist if exists $name;"; done
    echo 'reset persist if exists read_only;'
    echo "set global server_id = $(printf '%s\n' "$settings" | my_value server_id);"
  } | my_sql >/dev/null 2>&1
  [ "$(my_ask 'select @@global.super_read_only')" = 1 ] || die "the server can't be made read-only"
}

# Dies where the link would lose or miss something: what it has and its upstream hasn't, what it lacks and its upstream has no more.
link_examine() {
  said=$(echo 'select @@server_uuid, @@global.gtid_executed, @@global.gtid_purged;' | my_on_upstream 2>&1) ||
    die "the upstream refuses this host: $(my_said "$said")"
  row=$(printf '%s' "$said" | tr '\n' ' ' | tr '\t' '|')
  identity=${row%%|*} row=${row#*|}
  executed=${row%%|*} purged=${row#*|}
  [ -z "$upstream_identity" ] || [ "$identity" = "$upstream_identity" ] ||
    die "at $upstream_address:$upstream_port is the server $identity, the plan saw $upstream_identity"
  [ "$(my_ask 'select @@server_uuid')" != "$identity" ] ||
    die "this server has its upstream's server_uuid (a copied auto.cnf): stop it, remove $data/auto.cnf, start it"
  errant=$(my_ask "select gtid_subtract(@@global.gtid_executed, $(my_quoted "$executed"))")
  [ -z "$errant" ] || die "this server has transactions that its upstream never had: $(printf '%s' "$errant" | tr -d '\n' | cut -c 1-300)"
  missing=$(my_ask "select gtid_subtract($(my_quoted "$purged"), @@global.gtid_executed)")
  [ -z "$missing" ] || die "its upstream no longer has the binary log that this server needs: $(printf '%s' "$missing" | tr -d '\n' | cut -c 1-300); plan again"
}

# With a proof of both ends.
link_certificates() {
  [ -n "${tls_ca:-}" ] || return 0
  printf ", source_ssl_ca = %s, source_ssl_cert = %s, source_ssl_key = %s, source_ssl_verify_server_cert = 1" \
    "$(my_quoted "$tls_ca")" "$(my_quoted "$tls_cert")" "$(my_quoted "$tls_key")"
}

link_make_channel() {
  said=$(
    my_sql 2>&1 <<SQL
reset replica all;
change replication source to source_host = $(my_quoted "$upstream_address"), source_port = $upstream_port, source_user = '$role',
 source_password = $(my_quoted "$password"), source_auto_position = 1, source_ssl = ${tls:-1}, get_source_public_key = 1,
 source_connect_retry = 10, source_retry_count = 0, source_heartbeat_period = 10$(link_certificates);
SQL
  ) || die "the channel can't be made: $(my_said "$said")"
  changed "reads from $upstream_address:$upstream_port as $role"
}

run() {
  marker_write
  link_drop_in 'skip_replica_start = ON'
  link_start
  echo 'stop replica;' | my_sql >/dev/null 2>&1
  link_read_only
  link_examine
  link_make_channel
  link_drop_in
  timeout 60 systemctl enable --quiet "$unit" || die "systemd doesn't enable $unit"
  said=$(echo 'start replica;' | my_sql 2>&1) || die "the channel doesn't start: $(my_said "$said")"
}

verify() {
  found=$(
    my_sql <<SQL
select case
 when @@global.super_read_only <> 1 then 'the server takes writes'
 when not exists (select 1 from performance_schema.replication_connection_configuration where channel_name = '' and host = $(my_quoted "$upstream_address")
  and port = $upstream_port and auto_position = '1') then 'it has no channel to $upstream_address:$upstream_port with auto-positioning'
 else 'good' end;
SQL
  ) || die "the server doesn't answer"
  [ "$found" = good ] || die "$found"
  [ "$(my_option super_read_only)" = ON ] || die "no file makes it read-only after a restart"
}
