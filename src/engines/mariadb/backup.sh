# shellcheck shell=sh disable=SC2154
# Takes a full copy of the upstream by mariadb-backup, streamed by the sender that send.sh started there, onto the replica's disk
# beside its data directory, and prepares it (applies the log written meanwhile). The data directory isn't touched. A job.
#
# Changes DATA.replform-copy and DATA.replform-copy.verified; a half copy of ours is removed first (that exact name only, never
# one that holds replform.kept or that a process works in).
# Proves: every end of the pipe ended well (the sender's own account comes as the stream's last file), the copy's checkpoints,
# the preparation, and a place in the history (GTID). Can be run again: the same job goes on, another one begins anew.
# Variables: port; upstream_address, copy_port, expected_bytes, source (who it is a copy of, for the note in the copy),
# memory_bytes (for the preparation); authority, certificate (PEM: the copy's authority; this end's certificate and key).
# In a job: job (its folder).

check() {
  maria_place
  data_movable "$data"
  for tool in mariadb-backup mbstream socat; do
    command -v "$tool" >/dev/null || die "$tool isn't installed on this host"
  done
  if backup_is_done; then return 0; fi
  if [ -L "$copy" ] || [ -e "$copy/replform.kept" ]; then die "$copy is not ours to remove"; fi
  data_room "$data" "$copy" "$expected_bytes"
}

backup_is_done() {
  [ -d "$copy" ] && [ -n "${job:-}" ] && [ "$(sed -n 1p -- "$verified" 2>/dev/null)" = "${job##*/}" ]
}

backup_give_up() {
  why=$1
  data_remove_copy "$copy"
  rm -rf -- "$memory"
  die "$why; the half copy was removed"
}

run() {
  maria_place
  if backup_is_done; then return 0; fi
  data_remove_copy "$copy"
  memory=$(TMPDIR=/run mktemp -d) || die "no temporary directory can be made in /run"
  printf '%s\n' "$authority" | write_file "$memory/authority.pem" 0600 root:root || die "$memory can't be written"
  printf '%s\n' "$certificate" | write_file "$memory/own.pem" 0600 root:root || die "$memory can't be written"
  install -d -m 0700 -- "$copy" || die "$copy can't be made"
  t0=$(now)
  backup_receive
  note "copied in $(since "$t0") s"
  t0=$(now)
  backup_prepare
  note "prepared in $(since "$t0") s"
  rm -rf -- "$memory"
  backup_write_down
}

backup_receive() {
  case $upstream_address in *:*) from="[$upstream_address]" ;; *) from=$upstream_address ;; esac
  from="OPENSSL:$from:$copy_port,cert=$memory/own.pem,cafile=$memory/authority.pem,verify=1,commonname=replform-donor"
  from="$from,openssl-min-proto-version=TLS1.2,connect-timeout=10,retry=10,interval=1,keepalive,keepidle=30,keepintvl=10,keepcnt=6"
  {
    socat -b 262144 -u "$from" STDIO 2>"$memory/socat.log"
    echo $? >"$memory/socat.rc"
  } | {
    mbstream -x -C "$copy" 2>"$memory/mbstream.log"
    echo $? >"$memory/mbstream.rc"
  }
  rm -f -- "$memory/own.pem"
  # mbstream takes an empty or a short stream for a whole one, so it is asked last.
  if [ -s "$copy/replform.sent" ]; then
    if [ "$(sed -n 1p -- "$copy/replform.sent")" != 'code 0' ] || ! grep -qx 'completed OK!' "$copy/replform.sent"; then
      backup_give_up "mariadb-backup failed on the donor ($(tr '\n' ';' <"$copy/replform.sent" | cut -c 1-500))"
    fi
  elif [ "$(cat "$memory/mbstream.rc")" != 0 ] && ! grep -q 'my_read() failed' "$memory/mbstream.log"; then
    # mbstream doesn't say why a write failed.
    [ "$(df -B1 --output=avail -- "$copy" | tail -n 1)" -gt 16777216 ] || backup_give_up "the copy can't be written: no space left on device (${data%/*})"
    backup_give_up "the copy can't be written: $(backup_last mbstream.log)"
  elif [ "$(cat "$memory/socat.rc")" != 0 ]; then
    backup_give_up "the copy didn't come from $upstream_address:$copy_port: $(backup_last socat.log)"
  else
    backup_give_up "the stream from $upstream_address ended early: the server or the sender there was ended $(backup_last socat.log)"
  fi
  if [ "$(cat "$memory/socat.rc" "$memory/mbstream.rc" | tr '\n' ' ')" != '0 0 ' ]; then
    backup_give_up "the copy came, but its receiver ended with an error: $(backup_last socat.log) $(backup_last mbstream.log)"
  fi
}

# backup_last LOG: its last line, without time and program.
backup_last() { grep -aE ' [EF] |rror|failed|space' "$memory/$1" | tail -n 1 | sed -E 's/^.*\] [EF] //' | cut -c 1-300; }

# The file of a copy that has both an old and a new name. $1 = checkpoints, binlog_info
backup_file() {
  for backup_name in "$copy/mariadb_backup_$1" "$copy/xtrabackup_$1"; do
    [ ! -s "$backup_name" ] || { printf '%s' "$backup_name" && return 0; }
  done
}

backup_checkpoint() { sed -n "s/^$1 = //p" -- "$(backup_file checkpoints)" 2>/dev/null; }

backup_prepare() {
  [ "$(backup_checkpoint backup_type)" = full-backuped ] || backup_give_up "the copy has no checkpoints of a full backup"
  # It opens a file a table: as many as this host lets it.
  most=$(awk '/^Max open files/ { print $5 }' /proc/self/limits)
  said=$(prlimit --nofile="$most:$most" mariadb-backup --prepare --use-memory="$memory_bytes" --target-dir="$copy" 2>&1 </dev/null)
  code=$?
  if [ "$code" -ne 0 ] || [ "$(printf '%s\n' "$said" | tail -n 1 | grep -o 'completed OK!')" != 'completed OK!' ]; then
    printf '%s\n' "$said" | tail -n 20 >&2
    backup_give_up "the copy can't be prepared (code $code): $(printf '%s\n' "$said" | grep -aE 'rror|failed' | tail -n 1 | cut -c 1-300)"
  fi
  [ "$(backup_checkpoint backup_type)" = log-applied ] || backup_give_up "the copy was prepared, but its checkpoints don't say so"
}

# The place in the history; what the server there is called is in the note that stays in the data directory.
backup_write_down() {
  gtid=$(awk -F '\t' 'NR == 1 { print $3 }' "$(backup_file binlog_info)" 2>/dev/null)
  case $gtid in
    '') die "the copy has no GTID: its donor's binlog was off, or nothing was ever written to it" ;;
    *[!0-9,-]*) die "the copy's GTID isn't understood: $gtid" ;;
  esac
  bytes=$(du -sb -- "$copy" | cut -f 1)
  rm -f -- "$copy/replform.sent"
  chown -R mysql:mysql -- "$copy" || die "$copy can't be given to mysql"
  printf 'format 1\nsource %s\ngtid %s\n' "$source" "$gtid" | write_file "$copy/replform.copy" 0640 mysql:mysql || die "$copy can't be written"
  printf '%s\n%s\n%s\n' "${job:-none}" "$source" "$gtid" | sed '1s|.*/||' | write_file "$verified" 0600 root:root || die "$verified can't be written"
  measured bytes "$bytes"
  changed "copy $copy, prepared, at GTID $gtid"
}

verify() {
  maria_place
  if [ ! -e "$copy/ibdata1" ] || [ ! -s "$copy/replform.copy" ]; then die "$copy isn't a whole copy"; fi
  [ "$(sed -n 2p -- "$verified" 2>/dev/null)" = "$source" ] || die "$copy wasn't checked"
}

progress() {
  maria_place
  printf '%s %s\n' "$(du -sb -- "$copy" 2>/dev/null | cut -f 1 | grep . || echo 0)" "$expected_bytes"
}

# mariadb-backup moves no byte of the copy's size while it prepares: what it reads and writes does.
activity() {
  progress
  for comm in /proc/[0-9]*/comm; do
    read -r name <"$comm" && [ "$name" = mariadb-backup ] && grep -s '^[rw]char' "${comm%comm}io"
  done
}
