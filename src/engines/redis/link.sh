# shellcheck shell=sh disable=SC2154
# Makes a replica read from its upstream, now and after every restart: our part of its configuration, its unit, then a start, or
# REPLICAOF where it runs.
#
# Changes: the marker, our block in the configuration, the unit's drop-in, its start at boot, the running server; then the
# secrets that were kept for it go. Never starts a server that would be a primary. A start that fails is stopped again, with the
# log's last lines in the message. Proves that the server is a read-only replica of this upstream, in memory and on disk. Can be run again.
# Variables: kind, conf, port; upstream_address, upstream_port, role; settings (lines NAME VALUE of a replica, `replicaof` among
# them); deadline (seconds for a start, default 3600), marker_json, marker_file.

link_is_replica() { [ "$(rd_conf replicaof)" = "$upstream_address $upstream_port" ]; }

check() {
  rd_place
  own_name "$role"
  rd_block_is_whole
  [ -n "$(rd_word 1)" ] || die "$secret isn't there: the account comes first"
  case $(rd_unit) in
    inactive | failed) link_check_stopped ;;
    *)
      rd_running
      [ "$(rd_role)" = slave ] || die "the server on port $port is a primary: it isn't linked over its data"
      ;;
  esac
}

# A stopped server's dump is of the upstream's history, or it isn't started as its replica: that would replace it.
link_check_stopped() {
  if data_used "$data"; then die "a process that isn't $unit works in $data"; fi
  dump_id=$(rd_dump_value "$data/$dump" repl-id)
  [ -n "$dump_id" ] || die "$data/$dump doesn't say whose copy it is: the copy comes first"
  said=$(echo 'INFO replication' | rd_upstream)
  case $dump_id in
    "$(printf '%s\n' "$said" | rd_field master_replid)" | "$(printf '%s\n' "$said" | rd_field master_replid2)") ;;
    *) die "$data/$dump isn't a copy of what $upstream_address:$upstream_port has: $(printf '%s' "$said" | head -n 1 | cut -c 1-200)" ;;
  esac
}

# Settings of a running replica, all but the upstream itself.
link_set() {
  {
    printf 'CONFIG SET masteruser %s masterauth %s' "$role" "$(rd_quoted "$(rd_word 1)")"
    printf '%s\n' "$settings" | grep -v '^replicaof ' | while IFS= read -r one; do
      [ -z "$one" ] || printf ' %s %s' "${one%% *}" "$(rd_quoted "${one#* }")"
    done
    [ -z "$(rd_word 2)" ] || printf ' requirepass %s' "$(rd_quoted "$(rd_word 2)")"
    printf '\nREPLICAOF %s %s\n' "$upstream_address" "$upstream_port"
  } | rd_ask
}

link_online() {
  [ "$(rd_role)" = slave ] || die "the server on port $port is a primary: it isn't linked over its data"
  said=$(link_set)
  case $said in
    OK*OK*) ;;
    *) die "the server doesn't take its upstream: $(printf '%s' "$said" | grep -v '^OK' | head -n 1)" ;;
  esac
  changed "REPLICAOF $upstream_address $upstream_port"
}

link_start() {
  link_check_stopped
  # Looked at again at the last moment: without it the start would make a second primary.
  link_is_replica || die "$conf doesn't make the server a replica: it would start as a primary"
  t0=$(now)
  rd_start "${deadline:-3600}" || link_failed
  changed "started $unit"
  measured started "$(since "$t0")"
}

link_failed() {
  case $(rd_ping) in
    LOADING*) die "the server has been loading its data for more than ${deadline:-3600} s and goes on" ;;
  esac
  die "the server doesn't start: $(rd_log_why)"
}

run() {
  marker_write
  rd_block_replica
  rd_drop_in_replica
  if ! systemctl --quiet is-enabled "$unit" 2>/dev/null; then
    systemctl --quiet enable "$unit" 2>/dev/null || die "systemd doesn't enable $unit"
    changed "enabled $unit"
  fi
  case $(rd_unit) in
    inactive | failed) link_start ;;
    *) link_online ;;
  esac
  rm -f -- "$secret" "$verified"
}

verify() {
  rd_running
  state=$(echo 'INFO replication' | rd_ask)
  [ "$(printf '%s\n' "$state" | rd_field role)" = slave ] || die "the server is a primary"
  [ "$(printf '%s\n' "$state" | rd_field master_host) $(printf '%s\n' "$state" | rd_field master_port)" = "$upstream_address $upstream_port" ] ||
    die "the server reads from $(printf '%s\n' "$state" | rd_field master_host):$(printf '%s\n' "$state" | rd_field master_port)"
  [ "$(printf '%s\n' "$state" | rd_field slave_read_only)" = 1 ] || die "the server takes writes (replica-read-only is off)"
  link_is_replica || die "$conf has replicaof $(rd_conf replicaof): after a restart the server would be something else"
}
