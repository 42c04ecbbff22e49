# shellcheck shell=sh disable=SC2154
# Makes a server with the copy read from its upstream by GTID: drop-in, start at boot, start, CHANGE MASTER, START SLAVE.
#
# Changes: the marker, our drop-in (whole), mariadb.socket (off), the unit's enablement, the running server, its replication's
# settings. The place to begin at is the copy's, set once; afterwards it is the replica's own. Never touches a server that takes
# writes. A start that fails is stopped again, with the log's words in the message. Proves settings and connection. Can be run again.
# Variables: port; settings (lines `name = value`, the whole drop-in), values (lines `name=value`, as the server shows them),
# restart (yes: where a setting needs it), upstream_address, upstream_port, role, source, tls (yes: encrypted and proved by the
# password, no: not), tls_ca, tls_cert, tls_key (both ends are proved by certificates; empty: they aren't), deadline (seconds for a start, default 840), marker_json, marker_file.

check() {
  maria_place
  [ -d "${drop_in%/*}" ] || die "${drop_in%/*} isn't there: this MariaDB isn't set up as Debian's package does it"
  [ -s "$link_file" ] || die "$link_file isn't there: the account comes first"
  if maria_is_down; then
    [ -e "$data/ibdata1" ] || die "$data holds no data: the copy comes first"
    link_is_ours || die "$data is neither a copy of ours nor a replica's: its server would start as a primary"
  else
    maria_running
    link_may
  fi
}

link_is_ours() { [ -s "$data/replform.copy" ] || [ -s "$data/master.info" ]; }

# Dies where the server that runs isn't a replica, nor a copy in which nobody wrote.
link_may() {
  link_is_ours || die "the server on port $port takes writes of its own: it isn't linked over its data"
  own=$(maria_own_writes) || die "the GTIDs of this server or of its upstream can't be asked for"
  [ -z "$own" ] || die "this server has transactions of its own ($own): it isn't linked over them; plan again"
}

link_drop_in() {
  before=$(maria_drop_in)
  if [ "$before" = "$settings" ]; then return 0; fi
  printf '%s\n' "$settings" | maria_drop_in_write || die "$drop_in can't be written"
  trouble=$(maria_config_error "$settings")
  if [ -n "$trouble" ]; then
    maria_drop_in_put_back "$before"
    die "the server would refuse it: $trouble; the drop-in is as it was before"
  fi
  changed "$drop_in"
}

# Settings that the server doesn't have yet; $1: YES only a restart brings, NO the others.
link_open() {
  printf '%s\n' "$values" | while IFS= read -r value; do
    [ -n "$value" ] || continue
    printf "select lower(g.variable_name) from information_schema.global_variables g join information_schema.system_variables s using (variable_name)
 where g.variable_name = %s and g.variable_value <> %s and s.read_only = '$1';\n" "$(maria_literal "${value%%=*}")" "$(maria_literal "${value#*=}")"
  done | maria_sql
}

link_online() {
  link_open NO | while IFS= read -r name; do
    value=$(printf '%s\n' "$values" | sed -n "s/^$name=//p")
    case $value in *[!0-9]*) value=$(maria_literal "$value") ;; esac
    said=$(printf 'set global %s = %s;\n' "$name" "$value" | maria_sql 2>&1) || die "the server refuses $name = $value: $(maria_words "$said")"
    changed "$name = $value"
  done || exit 21
}

link_start() {
  t0=$(now)
  maria_start "${deadline:-840}" || die "the server doesn't start: ${start_said:-its log says nothing}"
  changed "started $unit"
  measured started "$(since "$t0")"
}

run() {
  marker_write
  link_drop_in
  maria_socket_off
  # Looked at again at the last moment: without a copy or a replica's settings the start would make a second primary.
  link_is_ours || die "$data is neither a copy of ours nor a replica's"
  if maria_is_down; then
    [ "$(maria_unit mariadb.socket)" != active ] || timeout 30 systemctl stop mariadb.socket
    link_start
  fi
  maria_running
  link_may
  link_online
  if [ -n "$(link_open YES)" ]; then
    [ "${restart:-no}" = yes ] || die "these wait for a restart, which the plan doesn't have: $(link_open YES | tr '\n' ' ')"
    maria_stop 900 || die "the server doesn't stop"
    changed "stopped $unit"
    link_start
  fi
  timeout 60 systemctl --quiet enable "$unit" 2>/dev/null || die "$unit can't be enabled"
  link_master
  # From here on the replica knows its place itself; the copy's would be an old one.
  [ ! -e "$data/replform.copy" ] || mv -f -T -- "$data/replform.copy" "$data/replform.linked" || die "$data/replform.copy can't be renamed"
}

link_master() {
  password=$(sed -n 's/^password = //p' -- "$link_file")
  [ -n "$password" ] || die "$link_file holds no password"
  if [ -z "$(maria_slave Master_Host)" ]; then
    gtid=$(sed -n 's/^gtid //p' -- "$data/replform.copy")
    case $gtid in '' | *[!0-9,-]*) die "$data/replform.copy doesn't say where the copy is in the history" ;; esac
    said=$(printf 'set global gtid_slave_pos = %s;\n' "$(maria_literal "$gtid")" | maria_sql 2>&1) || die "the place $gtid isn't taken: $(maria_words "$said")"
  fi
  if [ "$tls" = yes ]; then ssl=1; else ssl=0; fi
  said=$(
    {
      printf 'set session sql_log_off = 1;\nstop slave;\n'
      printf 'change master to master_host = %s, master_port = %s, master_user = %s, master_password = %s, ' "$(maria_literal "$upstream_address")" \
        "$upstream_port" "$(maria_literal "$role")" "$(maria_literal "$password")"
      printf 'master_use_gtid = slave_pos, master_connect_retry = 10, master_heartbeat_period = 10, master_ssl = %s, master_ssl_verify_server_cert = %s, ' "$ssl" "$ssl"
      printf 'master_ssl_ca = %s, master_ssl_cert = %s, master_ssl_key = %s;\n' "$(maria_literal "$tls_ca")" "$(maria_literal "$tls_cert")" "$(maria_literal "$tls_key")"
      printf 'start slave;\n'
    } | maria_sql 2>&1
  ) || die "the server refuses its upstream: $(maria_words "$said")"
  changed "reads from $upstream_address:$upstream_port as $role"
}

verify() {
  maria_running
  [ "$(maria_variable read_only)" != OFF ] || die "the server isn't read_only"
  found="$(maria_slave Master_Host):$(maria_slave Master_Port) $(maria_slave Master_User) $(maria_slave Using_Gtid)"
  [ "$found" = "$upstream_address:$upstream_port $role Slave_Pos" ] || die "its replication is set to \"$found\""
  printf '%s\n' "$values" | while IFS= read -r value; do
    [ -n "$value" ] || continue
    is=$(maria_variable "${value%%=*}")
    [ "$is" = "${value#*=}" ] || die "${value%%=*} is \"$is\" and not \"${value#*=}\""
  done || exit 22
}
