# shellcheck shell=sh disable=SC2154
# Takes a full copy of the upstream by redis-cli --rdb, onto the replica's disk beside its data directory, and checks it. The
# copy carries its place in the upstream's history, so the replica goes on from there by a partial resync. The data directory
# isn't touched. Runs for as long as it takes: a job.
#
# Changes DATA.replform-copy (DATA/.replform-copy where DATA is a mount point) and the note of the same name with .verified; a half copy of ours is removed first (that exact name only, never one that
# holds replform.kept or that a process works in). On the upstream a snapshot is taken by a fork, as for any new replica.
# Proves: redis-check-rdb (every byte, its checksum), the copy's place, and that the upstream can go on from it. Can be run again:
# the same job goes on, another one begins anew.
# Variables: kind, conf, port; upstream_address, upstream_port, role, tls_ca, tls_cert, tls_key (empty: in clear), max_rate (bytes a second, empty: none), expected_bytes,
# upstream_identity (replication id that the plan saw). In a job: job (its folder).

check() {
  rd_place
  own_name "$role"
  data_movable "$data" inside
  [ -x "/usr/bin/$kind-check-rdb" ] || die "/usr/bin/$kind-check-rdb isn't there"
  [ -s "$secret" ] || [ -n "$(rd_conf masterauth)" ] || die "$secret isn't there: the account comes first"
  if data_swap_begun "$data"; then
    backup_is_done || die "a swap in $data was cut off, and the copy that it moves isn't this one: left alone"
    return 0
  fi
  if backup_is_done; then
    rd_covered "$(sed -n 2p -- "$verified")" "$(sed -n 3p -- "$verified")"
    return 0
  fi
  if [ -L "$copy" ] || [ -e "$copy/replform.kept" ]; then die "$copy is not ours to remove"; fi
  data_room "$data" "$copy" "$expected_bytes"
}

backup_is_done() {
  { [ -d "$copy" ] || data_swap_begun "$data"; } && [ -n "${job:-}" ] && [ "$(sed -n 1p -- "$verified" 2>/dev/null)" = "${job##*/}" ]
}

backup_give_up() {
  why=$1
  data_remove_copy "$copy"
  die "$why; the half copy was removed"
}

# backup_pace BYTES: standard input to standard output, at most so many bytes a second, in tenths of a second.
backup_pace() {
  pace_block=$(($1 / 10))
  [ "$pace_block" -ge 4096 ] || pace_block=4096
  pace_next=$(replform_centiseconds)
  while dd bs="$pace_block" count=1 iflag=fullblock status=none >"$copy/pace" && [ -s "$copy/pace" ]; do
    cat -- "$copy/pace" || return 1
    pace_next=$((pace_next + pace_block * 100 / $1))
    pace_wait=$((pace_next - $(replform_centiseconds)))
    if [ "$pace_wait" -gt 0 ]; then sleep "$(fraction "$pace_wait" / 100)"; else pace_next=$(replform_centiseconds); fi
  done
  rm -f -- "$copy/pace"
}

# backup_fetch FILE: the client writes the copy there, or to standard output (-). Its own exit code is kept beside it.
backup_fetch() {
  (
    REDISCLI_AUTH=$(rd_word 1)
    export REDISCLI_AUTH
    exec runuser -u "$owner" -- "$cli" -h "$upstream_address" -p "$upstream_port" --user "$role" --no-auth-warning \
      ${tls_ca:+--tls --cacert "$tls_ca" --cert "$tls_cert" --key "$tls_key"} --rdb "$1" </dev/null
  )
  echo $? >"$copy/code"
}

# To standard output the client also passes the 40 digits that end a transfer; a dump ends with ff and eight bytes before them.
backup_unmark() {
  tail -c 40 -- "$copy/$dump" | grep -aqxE '[0-9a-f]{40}' || return 0
  [ "$(tail -c 49 -- "$copy/$dump" | head -c 1 | od -An -tx1 | tr -d ' ')" = ff ] || return 0
  truncate -s -40 -- "$copy/$dump"
}

run() {
  rd_place
  if backup_is_done; then return 0; fi
  data_remove_copy "$copy"
  rm -f -- "$verified"
  install -d -m 0700 -o "$owner" -g "$owner" -- "$copy" || die "$copy can't be made"
  t0=$(now)
  if [ -n "$max_rate" ]; then
    backup_fetch - 2>"$copy/errors" | backup_pace "$max_rate" >"$copy/$dump"
    backup_unmark || backup_give_up "the copy can't be written to the disk"
  else
    backup_fetch "$copy/$dump" >"$copy/errors" 2>&1
  fi
  sync -- "$copy/$dump" || backup_give_up "the copy can't be written to the disk"
  code=$(cat -- "$copy/code" 2>/dev/null)
  [ "$code" = 0 ] || backup_give_up "the copy stopped: $(backup_why)"
  note "copied in $(since "$t0") s"
  backup_check
}

# Why the client ended: its last words that aren't about what went well.
backup_why() {
  room=$(df -B1 --output=avail -- "$copy" | tail -n 1 | tr -d ' ')
  [ "$room" -gt 1048576 ] || printf '%s' "the disk of $copy is full; "
  grep -aivE '^(sending REPLCONF|SYNC sent to)' "$copy/errors" | tail -n 2 | tr '\n' ' ' | cut -c 1-400
}

backup_check() {
  bytes=$(stat -c %s -- "$copy/$dump")
  said=$(nice -n 10 "/usr/bin/$kind-check-rdb" "$copy/$dump" 2>&1 </dev/null) ||
    backup_give_up "the copy is damaged: $(printf '%s\n' "$said" | grep -aiE 'error|wrong|unexpected|checksum' | tail -n 2 | tr '\n' ' ' | cut -c 1-400)"
  copied_id=$(rd_dump_value "$copy/$dump" repl-id) copied_offset=$(rd_dump_value "$copy/$dump" repl-offset)
  case $copied_id:$copied_offset in
    ????????????????????????????????????????:[0-9]*) ;;
    *) backup_give_up "the copy doesn't say where it stands in the upstream's history" ;;
  esac
  rd_covered "$copied_id" "$copied_offset"
  rm -f -- "$copy/code" "$copy/errors" "$copy/pace"
  chmod 0660 -- "$copy/$dump" || die "$copy/$dump can't be changed"
  chown -h -- "$owner:$owner" "$copy/$dump" || die "$copy/$dump can't be given to $owner"
  printf '%s\n%s\n%s\n' "${job:-none}" "$copied_id" "$copied_offset" | sed '1s|.*/||' | write_file "$verified" 0600 root:root ||
    die "$verified can't be written"
  measured bytes "$bytes"
  changed "copy $copy, checked"
}

verify() {
  rd_place
  # The restore has begun to move it.
  if data_swap_begun "$data"; then
    backup_is_done || die "a swap in $data was cut off, and the copy that it moves isn't this one"
    return 0
  fi
  [ -s "$copy/$dump" ] || die "$copy holds no copy"
  [ "$(sed -n 2p -- "$verified" 2>/dev/null)" = "$(rd_dump_value "$copy/$dump" repl-id)" ] || die "$copy wasn't checked"
}

# The size of what came so far; the total is the plan's estimate, as the upstream doesn't say.
progress() {
  rd_place
  printf '%s %s\n' "$(stat -c %s -- "$copy/$dump" 2>/dev/null || echo 0)" "${expected_bytes:-0}"
}
