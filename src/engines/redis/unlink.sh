# shellcheck shell=sh disable=SC2154
# Makes a replica a standalone, writable server: it catches up with its upstream as far as it can, its data is saved, it stops
# following, and what replform put beside it and into it goes: our part of its configuration, its unit's drop-in, users.
#
# A replica that is stopped is started first: only a server that follows can catch up. The order is what keeps data safe when this is
# cut off anywhere: until all is saved it goes on following, after that it starts as a standalone with what was saved.
# Changes the running server, its data files, our block, the drop-in, the files of ours beside them. Proves that the server takes
# writes now and after a restart. Can be run again: a server that takes writes already only loses what is ours.
# Variables: kind, conf, port; upstream_address, upstream_port, role; deadline (seconds to catch up in); keep (names of
# settings in our block that stay, one a line), accounts (users of ours that may be here, one a line).

check() {
  rd_place
  own_name "$role"
  rd_block_is_whole
  case $(rd_unit) in
    inactive | failed) if data_used "$data"; then die "a process that isn't $unit works in $data"; fi ;;
    *) case $(rd_ping) in LOADING*) ;; *) rd_running ;; esac ;;
  esac
}

unlink_state() { state=$(echo 'INFO replication' | rd_limit=5 rd_ask); }

unlink_field() { printf '%s\n' "$state" | rd_field "$1"; }

unlink_caught_up() {
  unlink_state
  [ "$(unlink_field master_link_status)" = up ] && [ "$(unlink_field master_replid)" = "$target_id" ] &&
    [ "$(unlink_field slave_repl_offset)" -ge "$target" ] 2>/dev/null
}

# All that the upstream has now is waited for. An upstream that doesn't answer has nothing to wait for.
unlink_catch_up() {
  said=$(echo 'INFO replication' | rd_upstream)
  target=$(printf '%s\n' "$said" | rd_field master_repl_offset) target_id=$(printf '%s\n' "$said" | rd_field master_replid)
  case $target in
    '' | *[!0-9]*)
      note "its upstream doesn't answer it, so it becomes standalone with what it has received"
      return
      ;;
  esac
  if ! wait_until "$deadline" unlink_caught_up; then
    die "its upstream has $target of $target_id, and after $deadline s it has $(unlink_field slave_repl_offset) of $(unlink_field master_replid), link $(unlink_field master_link_status); it goes on following: find out why, then apply again"
  fi
}

unlink_persistence() { echo 'INFO persistence' | rd_ask | rd_field "$1"; }

unlink_at_rest() { [ "$(unlink_persistence rdb_bgsave_in_progress)" = 0 ] && [ "$(unlink_persistence aof_rewrite_in_progress)" = 0 ]; }

unlink_save_begun() {
  said=$(echo BGSAVE | rd_ask)
  case $said in
    *'saving started'*) return 0 ;;
    # A dump for somebody else is on its way.
    *progress* | *active*) return 1 ;;
    *) die "the server doesn't save its data: $(printf '%s' "$said" | head -n 1); it is as it was" ;;
  esac
}

# What it has is on its disk before it stops following: by its append-only file where its own configuration wants one, else as a dump.
unlink_save() {
  if [ "$(rd_get appendonly)" = yes ]; then return 0; fi
  if rd_block_names | grep -qx appendonly && [ "$(rd_below appendonly)" = yes ]; then
    # Without the file on disk the setting would make the next start an empty one.
    wait_until 3600 unlink_at_rest || die "the server writes a dump for more than an hour; it is as it was"
    [ "$(echo 'CONFIG SET appendonly yes' | rd_ask)" = OK ] || die "the server doesn't begin its append-only file; it is as it was"
    wait_until 3600 unlink_at_rest || die "the append-only file isn't written after an hour; the server is as it was"
    [ "$(unlink_persistence aof_last_bgrewrite_status)" = ok ] || die "the server can't write its append-only file (look at $log); it is as it was"
    changed "appendonly yes, as its own configuration says"
    return
  fi
  wait_until 3600 unlink_save_begun || die "the server writes a dump for more than an hour; it is as it was"
  wait_until 3600 unlink_at_rest || die "the server's data isn't saved after an hour; it is as it was"
  [ "$(unlink_persistence rdb_last_bgsave_status)" = ok ] || die "the server can't save its data (look at $log); it is as it was"
  changed "saved $data/$dump"
}

# The upstream in its file goes right after it: in between a restart would make it follow again, with what was saved.
unlink_alone() {
  if [ "$(rd_role)" = slave ]; then
    [ "$(echo 'REPLICAOF NO ONE' | rd_ask)" = OK ] || die "the server doesn't stop following; it is as it was"
    changed "REPLICAOF NO ONE"
  fi
  rd_block_put replicaof </dev/null
}

unlink_start() {
  case $(rd_unit) in inactive | failed) ;; *) return 0 ;; esac
  # A server that would take writes isn't ours to start.
  [ -n "$(rd_conf replicaof)" ] || return 0
  rd_start 3600 || die "the server doesn't start, so it can't catch up: $(rd_log_why)"
  changed "started $unit"
}

run() {
  unlink_start
  case $(rd_unit) in
    inactive | failed)
      # Its append-only file isn't there: it would start empty if it looked for it.
      if [ "$(rd_conf appendonly)" = no ] && [ "$(rd_below appendonly)" = yes ]; then keep=$(printf '%s\nappendonly' "$keep"); fi
      ;;
    *) unlink_running ;;
  esac
  rd_drop_in_end
  rd_block_end
  rd_tls_remove
  rm -f -- "$secret" || die "$secret can't be removed"
  data_remove_copy "$copy"
}

unlink_running() {
  wait_until 3600 rd_is_up || die "the server doesn't take commands: $(rd_ping | head -n 1)"
  if [ "$(rd_role)" = slave ]; then unlink_catch_up; fi
  unlink_save
  unlink_alone
  rd_put_back
  printf '%s\n' "$accounts" | while IFS= read -r account; do
    [ -z "$account" ] || rd_user_remove "$account"
  done || exit 21
}

verify() {
  if rd_conf_lines "$conf" | grep -qiE '^[[:space:]]*replicaof[[:space:]]'; then die "$conf still has replicaof: after a restart the server would follow"; fi
  if rd_block | grep -q .; then die "$conf still has our part"; fi
  [ ! -e "$secret" ] || die "$secret is still there"
  case $(rd_unit) in inactive | failed) return 0 ;; esac
  rd_running
  [ "$(rd_role)" = master ] || die "the server still follows"
  # shellcheck disable=SC2046 # names are words
  rd_users_verify $(printf '%s\n' "$accounts")
}
