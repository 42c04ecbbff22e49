# shellcheck shell=sh disable=SC2154
# Makes a replica a standalone, writable server: it catches up with all that its upstream has now, then it forgets it, takes writes, and
# what replform put beside it and into it goes: our drop-in, the login at the upstream, certificates, accounts, notes of the copy. Its data stays.
#
# A server that is stopped is started first. One that can't catch up goes on following, and the step fails. Changes: its replication,
# read_only, other settings of ours, /etc/mysql/replform.client; the accounts go without a word in the binlog. Proves that it follows
# nobody and takes writes, now and after a restart. Can be run again, wherever it was cut off.
# Variables: port; upstream_address, upstream_port, role; deadline (seconds to catch up in); keep (names of settings in our drop-in
# that stay, one a line), accounts (accounts of ours in the data, one a line).

check() {
  maria_place
  own_name "$role"
  if maria_is_down; then
    [ -e "$data/ibdata1" ] || die "$data holds no data"
  else
    maria_running
    unlink_is_ours
  fi
}

# Dies where it reads from somebody else by now.
unlink_is_ours() {
  unlink_host=$(maria_slave Master_Host)
  if [ -z "$unlink_host" ] || [ "$unlink_host:$(maria_slave Master_Port)" = "$upstream_address:$upstream_port" ] || [ "$(maria_slave Master_User)" = "$role" ]; then
    return 0
  fi
  die "it reads from $unlink_host:$(maria_slave Master_Port) as $(maria_slave Master_User) now, which replform didn't set: left alone"
}

unlink_threads() { printf '%s %s' "$(maria_slave Slave_IO_Running)" "$(maria_slave Slave_SQL_Running)"; }

# In slices, so that a thread that stops is seen, and a connection that was given up with all applied that came before.
unlink_applied() {
  waited=$(printf 'select master_gtid_wait(%s, 3);\n' "$(maria_literal "$target")" | maria_limit=10 maria_sql 2>/dev/null)
  [ "$waited" != 0 ] || return 0
  case $(unlink_threads) in
    *' Yes') [ "$(maria_slave Slave_IO_Running)" = No ] && [ "$(maria_slave Gtid_IO_Pos)" = "$(maria_variable gtid_slave_pos)" ] ;;
  esac
}

# A link by positions: what was read is applied.
unlink_read_is_applied() {
  echo 'show slave status;' | maria_limit=10 maria_sql 2>/dev/null | awk -F '\t' 'NR == 1 { exit !($6 == $10 && $7 == $22) }'
}

unlink_why() {
  for thread in IO SQL; do
    error=$(maria_slave "Last_${thread}_Error")
    [ -z "$error" ] || printf '%s; ' "$error"
  done
  printf 'threads: %s; applied up to %s' "$(unlink_threads)" "$(maria_variable gtid_slave_pos)"
}

# All that the upstream has now is waited for: after this nothing more comes. Of an upstream that doesn't answer what was received is.
unlink_catch_up() {
  if target=$(echo 'select @@gtid_binlog_pos;' | maria_upstream_sql 2>/dev/null); then
    if [ "$(unlink_threads)" != 'Yes Yes' ]; then
      # An earlier run may have stopped it.
      said=$(echo 'start slave;' | maria_sql 2>&1) || die "its replication doesn't start: $(maria_words "$said")"
    fi
  else
    # A link made by hand has no login of ours.
    target=$(maria_slave Gtid_IO_Pos)
    note "its upstream can't be asked, so it goes on with what it has received"
  fi
  case $target in
    *[!0-9,-]*) die "the position \"$target\" isn't understood" ;;
    '')
      wait_until "$deadline" unlink_read_is_applied || die "it hasn't applied what it has received ($(unlink_why)); it stays a replica"
      return 0
      ;;
  esac
  waited=
  if ! wait_until "$deadline" unlink_applied || [ "$waited" != 0 ]; then
    die "it hasn't applied $target, which its upstream has ($(unlink_why)); it stays a replica. Mend that and apply again, or, to take it as it is, \
STOP SLAVE and RESET SLAVE ALL on it first"
  fi
}

unlink_forget_upstream() {
  t0=$(now)
  unlink_catch_up
  measured caught_up "$(since "$t0")"
  # A transaction that is being applied ends first.
  said=$(echo 'stop slave;' | maria_limit=600 maria_sql 2>&1) || die "its replication doesn't stop: $(maria_words "$said")"
  said=$(echo 'reset slave all;' | maria_sql 2>&1) || die "its upstream isn't forgotten: $(maria_words "$said")"
  changed "reads from nobody"
}

run() {
  if maria_is_down; then
    maria_start 840 || die "the server doesn't start, so it can't be made standalone: ${start_said:-its log says nothing}"
    changed "started $unit"
  fi
  maria_running
  unlink_is_ours
  [ -z "$(maria_slave Master_Host)" ] || unlink_forget_upstream
  maria_put_back "$keep"
  if [ "$(maria_variable read_only)" != OFF ]; then
    said=$(echo 'set session lock_wait_timeout = 10; set global read_only = 0;' | maria_sql 2>&1) || die "it can't be made writable: $(maria_words "$said")"
    changed "read_only = OFF"
  fi
  # They came with the data, and nobody logs in here by them.
  printf '%s\n' "$accounts" | while IFS= read -r account; do
    [ -n "$account" ] || continue
    own_name "$account"
    maria_account_remove "$account" 0
  done || exit 21
  for file in "$link_file" "$data/replform.copy" "$data/replform.linked"; do
    [ -e "$file" ] || continue
    rm -f -- "$file" || die "$file can't be removed"
    changed "removed $file"
  done
  maria_tls_remove
  unlink_socket
  unlink_events
}

unlink_events() {
  found=$(echo "select count(*) from information_schema.events where status = 'SLAVESIDE_DISABLED';" | maria_sql) || die "the server doesn't tell its events"
  [ "$found" = 0 ] || note "$found events that came by replication stay switched off here: ALTER EVENT … ENABLE"
}

# Debian 12's package has the socket on, which opens the port on every address; it went off with the link (maria_socket_off).
unlink_socket() {
  [ -e /var/lib/systemd/deb-systemd-helper-enabled/sockets.target.wants/mariadb.socket ] || return 0
  case $(timeout 10 systemctl is-enabled mariadb.socket 2>/dev/null) in
    disabled) note "mariadb.socket, which the package had enabled, stays off: while it is active the server listens on every address" ;;
  esac
}

verify() {
  maria_running
  [ -z "$(maria_slave Master_Host)" ] || die "it still reads from $(maria_slave Master_Host)"
  [ "$(maria_variable read_only)" = OFF ] || die "the server doesn't take writes"
  maria_put_back_stands "$keep"
  maria_defaults || die "the server's configuration files can't be read: $maria_said"
  case $(maria_default read_only OFF) in
    0 | [Oo][Ff][Ff]) ;;
    *) note "a file of yours sets read_only: after its next restart it takes no writes" ;;
  esac
  [ ! -e "$link_file" ] || die "$link_file is still there"
  printf '%s\n' "$accounts" | while IFS= read -r account; do
    [ -z "$account" ] || maria_account_is_gone "$account"
  done || exit 22
}
