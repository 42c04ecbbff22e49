# shellcheck shell=sh disable=SC2154
# Moves the checked copy to the data directory's place. The old directory is set aside beside it, whole, and never removed.
#
# Changes: the server (stopped; what it holds in memory only is saved first), the two directories' names, and between both our part
# of the configuration, which makes the server a replica. The order is what keeps data safe when this is cut off anywhere: while the
# old data is in place the server starts as it was, while none is there it can't start, and the copy is only ever started as a
# replica. Proves that the data directory is the copy. Can be run again: which directories exist says how far it came.
# Variables: kind, conf, port; upstream_address, upstream_port, role; settings (lines NAME VALUE of a replica);
# upstream_identity (replication id); and what may be set aside: expect_empty=yes (a server that holds nothing), copy_of_upstream=yes (an
# old copy of the same data), replace=yes (what the reviewers allowed: replaced_identity, its history's id or its dump's mark).

restore_is_done() {
  ! data_swap_begun "$data" && [ ! -e "$copy" ] && [ -s "$verified" ] && restore_is_replica &&
    [ "$(rd_dump_value "$data/$dump" repl-id)" = "$(sed -n 2p -- "$verified")" ]
}

restore_is_replica() { [ "$(rd_conf replicaof)" = "$upstream_address $upstream_port" ]; }

check() {
  rd_place
  rd_block_is_whole
  data_movable "$data" inside
  if restore_is_done; then return 0; fi
  if data_swap_begun "$data"; then return 0; fi
  [ -s "$copy/$dump" ] || die "there is no whole copy at $copy"
  copied_id=$(sed -n 2p -- "$verified" 2>/dev/null) copied_offset=$(sed -n 3p -- "$verified" 2>/dev/null)
  [ -n "$copied_offset" ] || die "the copy $copy wasn't checked to its end"
  [ "$copied_id" = "$(rd_dump_value "$copy/$dump" repl-id)" ] || die "$copy isn't the copy that was checked"
  rd_covered "$copied_id" "$copied_offset"
  restore_may_go
}

# Dies unless what is in the data directory's place may be set aside.
restore_may_go() {
  if data_holds_nothing "$data"; then return 0; fi
  case $(rd_unit) in
    inactive | failed) restore_may_go_stopped ;;
    *) restore_may_go_running ;;
  esac
}

restore_may_go_running() {
  rd_running
  state=$(echo 'INFO replication' | rd_ask)
  if [ "${replace:-no}" = yes ]; then
    case " $(printf '%s\n' "$state" | rd_field master_replid) $(printf '%s\n' "$state" | rd_field master_replid2) $(restore_mark) " in
      *" ${replaced_identity:-none} "*) return 0 ;;
    esac
    die "the server holds other data than the plan saw, or restarted since: plan again"
  fi
  if [ "${copy_of_upstream:-no}" = yes ]; then
    [ "$(printf '%s\n' "$state" | rd_field role)" = slave ] || die "the server is no replica any more: it may have been written to; plan again"
    [ "$(printf '%s\n' "$state" | rd_field master_host):$(printf '%s\n' "$state" | rd_field master_port)" = "$upstream_address:$upstream_port" ] ||
      die "the server reads from another upstream by now: plan again"
    return 0
  fi
  [ "${expect_empty:-no}" = yes ] || die "the plan doesn't say that $data may be set aside"
  keys=$(rd_keys) || die "the server doesn't tell what it holds"
  [ "$keys" = 0 ] || die "somebody wrote to the server since the plan ($keys keys): plan again"
}

# What tells a stopped server's data from other data: its dump's history, else its dump's size and time.
restore_mark() {
  mark=$(rd_dump_value "$data/$dump" repl-id)
  [ -n "$mark" ] || mark=$(stat -c 'dump:%s:%Y' -- "$data/$dump" 2>/dev/null)
  printf '%s\n' "$mark"
}

restore_may_go_stopped() {
  if data_used "$data"; then die "a process that isn't $unit works in $data"; fi
  if [ "${replace:-no}" = yes ]; then
    [ -z "${replaced_identity:-}" ] || [ "$(restore_mark)" = "$replaced_identity" ] ||
      die "$data holds other data than the plan saw: plan again"
    return 0
  fi
  if [ "${copy_of_upstream:-no}" = yes ]; then
    restore_is_replica || die "$conf doesn't make the server a replica any more: it may have been written to; plan again"
    return 0
  fi
  [ "${expect_empty:-no}" = yes ] || die "the plan doesn't say that $data may be set aside"
  restore_holds_nothing || die "$data holds a dump or an append-only file by now: plan again"
}

# No append-only file that holds something, and no dump or one without a key.
restore_holds_nothing() {
  if rd_append_only "$data"; then return 1; fi
  restore_dumps_nothing
}

restore_dumps_nothing() {
  for one in "$data"/*.rdb; do
    [ -e "$one" ] || continue
    [ "$(rd_dump_head "$one" | sed -n 's/^next //p')" = ff ] || return 1
  done
}

# The parts of the append-only file with their sizes: what was written meanwhile shows.
restore_parts() { find "$data" -mindepth 1 -name '*.aof' -printf '%P %s\n' 2>/dev/null | sort; }

# What is in memory only would be lost: with a save point set, the server saves when it is told to stop.
restore_stop() {
  if [ "$(rd_keys)" != 0 ] && [ "$(rd_get appendonly)" != yes ] && [ -z "$(rd_get save)" ]; then
    [ "$(echo 'CONFIG SET save "3600 1"' | rd_ask)" = OK ] || die "the server, which saves nothing by itself, doesn't take a save point; nothing was stopped"
  fi
  rd_stop 600 || die "the server of $data doesn't stop (it doesn't when it can't save its data: look at its log); nothing was moved"
  changed "stopped $unit"
}

run() {
  if restore_is_done; then return 0; fi
  data_swap_begun "$data" || restore_end
  # The copy's directory may be empty by now, or gone, in a swap that was cut off.
  data_swap_begun "$data" || { [ -d "$copy" ] && chmod 0750 -- "$copy"; } || die "there is no whole copy at $copy"
  data_set_aside "$data"
  aside=$swap_aside
  rd_block_replica
  data_swap "$copy" "$data"
  if [ -n "$aside" ] && ! data_is_mount "$data"; then changed "set aside $data as $aside"; fi
}

# The server ends, and what is in the way may go at the last moment too.
restore_end() {
  case $(rd_unit) in
    inactive | failed) ;;
    *)
      parts=$(restore_parts)
      restore_may_go
      restore_stop
      # Writes may have come until the last moment.
      if [ "${expect_empty:-no}" = yes ] && { ! restore_dumps_nothing || [ "$parts" != "$(restore_parts)" ]; }; then
        systemctl start --no-block "$unit"
        die "somebody wrote to the server just before it stopped: nothing was moved, it runs again; plan again"
      fi
      ;;
  esac
}

verify() {
  restore_is_done || die "$data isn't the copy: its dump, its place in history or our part of $conf is missing, or the copy is still beside it"
  [ "$(stat -c %U -- "$data/$dump")" = "$owner" ] || die "$data/$dump isn't $owner's"
}
