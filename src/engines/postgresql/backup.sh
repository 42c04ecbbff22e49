# shellcheck shell=sh disable=SC2154
# Takes a full copy of the upstream by pg_basebackup, onto the replica's disk beside its data directory, and checks every file
# against the copy's manifest. The data directory isn't touched. Runs for as long as it takes: a job.
#
# Changes DATA.replform-copy and DATA.replform-copy.verified; a half copy of ours is removed first (that exact name only, never
# one that holds replform.kept or that a process works in); a standby that streams through the slot is told to stop that. Its slot makes the upstream keep the log from the copy's start on.
# Proves: pg_verifybackup, and the identity that it writes down. Can be run again: the same job goes on, or finds its copy done and
# sees that the upstream still keeps what comes after it; another one begins anew.
# Variables: version, cluster, port; upstream_address, upstream_port, conninfo, role, slot, max_rate (bytes a second, empty: none),
# expected_bytes. In a job: job (its folder), whose log `progress` reads.

check() {
  pg_place
  own_name "$role"
  own_name "$slot"
  data_movable "$data"
  [ -x "$bin/pg_basebackup" ] || die "$bin/pg_basebackup isn't there"
  [ -s "$conf/replform.pgpass" ] || die "$conf/replform.pgpass isn't there: the account comes first"
  if backup_is_done; then
    backup_goes_on || die "the upstream no longer keeps the log that the copy $copy goes on with"
    return 0
  fi
  if [ -L "$copy" ] || [ -e "$copy/replform.kept" ]; then die "$copy is not ours to remove"; fi
  data_room "$data" "$copy" "$expected_bytes"
}

backup_is_done() {
  [ -d "$copy" ] && [ -n "${job:-}" ] && [ "$(sed -n 1p -- "$verified" 2>/dev/null)" = "${job##*/}" ]
}

# Whether the upstream still keeps the log from the copy's end on, as only the slot promises. An upstream that can't tell
# (READ_REPLICATION_SLOT is of 15) is taken for one that doesn't.
backup_goes_on() {
  end=$(tail -c 2000 -- "$copy/backup_manifest" | sed -n 's/.*"End-LSN": *"\([0-9A-F/]*\)".*/\1/p' | tail -n 1)
  kept=$(pg_replication "READ_REPLICATION_SLOT $slot;" 2>/dev/null | cut -d '|' -f 2)
  case $end$kept in */*/*) [ "$(backup_lsn "$kept")" -le "$(backup_lsn "$end")" ] ;; *) false ;; esac
}

backup_lsn() { printf '%s\n' $((0x${1%/*} << 32 | 0x${1#*/})); }

# Limits of pg_basebackup: 32 kB to 1 GB a second.
backup_rate() {
  [ -n "$max_rate" ] || return 0
  rate=$((max_rate / 1024))
  [ "$rate" -ge 32 ] || rate=32
  [ "$rate" -le 1048576 ] || rate=1048576
  printf -- '--max-rate=%sk' "$rate"
}

# Why a command failed: the first error that it printed.
backup_why() { grep -aE 'error:|FATAL' "$errors" | head -n 1 | sed -E 's/^pg_[a-z]+: (error: )?//' | cut -c 1-400; }

backup_give_up() {
  why=$1
  data_remove_copy "$copy"
  rm -f -- "$errors"
  die "$why; the half copy was removed"
}

run() {
  pg_place
  if backup_is_done; then return 0; fi
  data_remove_copy "$copy"
  backup_let_go
  errors=$(TMPDIR=${job:-/tmp} mktemp) || die "no temporary file can be made"
  t0=$(now)
  # A replica that can't go on tries its slot every 5 s, for a moment, and may be in the way just then.
  for try in 1 2 3 4; do
    backup_copy
    if [ "$try" = 4 ] || ! grep -aq 'is active for PID' "$errors"; then break; fi
    data_remove_copy "$copy"
    sleep 2
  done
  grep -aq 'base backup completed' "$errors" || backup_give_up "the copy stopped: $(backup_why)"
  note "copied in $(since "$t0") s"
  backup_check
}

# A standby here that still streams through the slot lets go of it: it would move the slot on, past what the copy needs. It goes on
# to serve what it has until the copy is in its place; a run that ends here is mended by a new link, without a copy.
backup_let_go() {
  pg_state
  [ "$pg_status" = ready ] || return 0
  streams=$(echo "select 1 from pg_stat_wal_receiver where slot_name = :'slot';" | pg_sql -v slot="$slot") || return 0
  [ -n "$streams" ] || return 0
  pg_drop_in_reduce "$(pg_drop_in | pg_names | grep -v '^primary_')"
  wait_until 30 backup_streams_no_more || die "the standby here doesn't let go of the slot $slot within 30 s"
}

backup_streams_no_more() {
  [ -z "$(echo "select 1 from pg_stat_wal_receiver where slot_name = :'slot';" | pg_sql -v slot="$slot")" ]
}

backup_copy() {
  # The directory above may be root's (pg_createcluster makes it so).
  install -d -m 0700 -o "$owner" -g "$(id -gn "$owner")" -- "$copy" || die "$copy can't be made"
  rate=$(backup_rate)
  # shellcheck disable=SC2086 # rate is one word or none
  nice -n 10 runuser -u "$owner" -- "$bin/pg_basebackup" -w -d "$(pg_conninfo "$role")" -D "$copy" -X stream -S "$slot" \
    --checkpoint=fast --manifest-checksums=SHA256 $rate --progress --verbose </dev/null 2>&1 | tee -- "$errors" >&2
}

backup_check() {
  bytes=$(du -sb -- "$copy" | cut -f 1)
  nice -n 10 runuser -u "$owner" -- "$bin/pg_verifybackup" -- "$copy" </dev/null >"$errors" 2>&1 ||
    backup_give_up "the copy doesn't fit its manifest: $(backup_why)"
  rm -f -- "$errors"
  identity=$(pg_control "$copy" 'Database system identifier')
  [ -n "$identity" ] || die "the copy has no identity"
  printf '%s\n%s\n' "${job:-none}" "$identity" | sed '1s|.*/||' | write_file "$verified" 0600 "$owner:$owner" ||
    die "$verified can't be written"
  measured bytes "$bytes"
  changed "copy $copy, checked"
}

verify() {
  pg_place
  pg_copy_is_whole || die "$copy isn't a whole copy"
  [ -z "${job:-}" ] || backup_is_done || die "$copy is of another job"
  [ "$(sed -n 2p -- "$verified" 2>/dev/null)" = "$(pg_control "$copy" 'Database system identifier')" ] || die "$copy wasn't checked"
}

# `  153817/537380 kB (28%), 0/1 tablespace …`, its lines divided by carriage returns.
progress() {
  tail -c 4096 -- "$job/log" 2>/dev/null | tr '\r' '\n' |
    awk '{ for (i = 1; i < NF; i++) if ($i ~ /^[0-9]+\/[0-9]+$/ && $(i + 1) == "kB") { split($i, kb, "/"); done = kb[1]; total = kb[2] } }
      END { printf "%.0f %.0f\n", done * 1024, total * 1024 }'
}

# pg_verifybackup says nothing while it reads: its bytes do.
activity() {
  progress
  for comm in /proc/[0-9]*/comm; do
    read -r name <"$comm" && [ "$name" = pg_verifybackup ] && grep -s '^rchar' "${comm%comm}io"
  done
}
