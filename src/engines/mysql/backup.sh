# shellcheck shell=sh disable=SC2154
# Takes a full copy of the upstream by CLONE, onto the replica's disk beside its data directory, and checks every page of it. The
# data directory and its server aren't touched: the plugin works in a small server of the job's own, without a network, reached
# by root alone, that lives and dies with the job. Runs for as long as it takes: a job.
#
# Changes /var/lib/mysql-files/{mysql,recipient}.replform-copy (the first inside of the data directory where that is a mount point)
# and the note beside the first; a half copy of ours is removed first
# (those exact names only, never one that holds replform.kept or that a process works in). Both are gone when it is given up.
# Proves: the plugin's own result, the checksum of every page (innochecksum), no server_uuid in the copy; writes down whose it is. Can be run again: the same job goes on, another one begins anew.
# Variables: port; upstream_address, upstream_port, role, password (secret), max_rate (bytes a second, empty: none),
# expected_bytes, upstream_identity (server_uuid), recipient (options that must be as the upstream's, one a line). In a job: job.

backup_place() {
  my_place
  seed=$files/recipient.replform-copy seed_socket=$files/recipient.replform-copy/clone.sock
}

check() {
  backup_place
  own_name "$role"
  [ -n "$password" ] || die "there is no password for $role"
  my_movable
  if data_swap_begun "$data"; then
    backup_is_done || die "a swap in $data was cut off, and the copy that it moves isn't this one: left alone"
    return 0
  fi
  if backup_is_done; then
    backup_goes_on || die "the upstream no longer keeps the transactions that come after the copy $copy"
    return 0
  fi
  for place in "$copy" "$seed"; do
    if [ -L "$place" ] || [ -e "$place/replform.kept" ]; then die "$place is not ours to remove"; fi
  done
  if data_is_mount "$data"; then data_room "$data" "$copy" "$expected_bytes"; else data_room "$copy" "$copy" "$expected_bytes"; fi
}

backup_is_done() {
  { [ -d "$copy" ] || data_swap_begun "$data"; } && [ -n "${job:-}" ] && [ "$(sed -n 1p -- "$verified" 2>/dev/null)" = "${job##*/}" ]
}

# Whether the upstream's binary log holds all that came after the copy. Only an answer counts.
backup_goes_on() {
  from=$(sed -n 3p -- "$verified")
  case $from in '' | *[!0-9a-zA-Z_:,-]*) return 1 ;; esac
  [ "$(echo "select gtid_subset(@@global.gtid_purged, '$from');" | my_on_upstream 2>/dev/null)" = 1 ]
}

# SQL from standard input to the job's own server.
backup_sql() {
  mysql --no-defaults --protocol=socket -S "$seed_socket" -u root --connect-timeout=5 -N -B -r
}

# As the server's user, with nothing of the host's configuration. Becomes the server: only for a subshell.
backup_mysqld() {
  # shellcheck disable=SC2086 # options hold no spaces
  exec /usr/sbin/mysqld --no-defaults --user="$owner" --datadir="$seed" --log-error-verbosity=1 --skip-log-bin --mysqlx=OFF \
    --innodb-redo-log-capacity=67108864 --innodb-doublewrite=OFF --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=33554432 \
    --max-connections=20 --table-open-cache=200 $recipient "$@"
}

run() {
  backup_place
  if backup_is_done; then return 0; fi
  data_remove_copy "$copy"
  data_remove_copy "$seed"
  trap backup_end EXIT
  trap 'exit 143' TERM INT HUP
  t0=$(now)
  backup_serve
  note "made a server for the copy in $(since "$t0") s"
  # What the copy holds at the least; a clone into a directory doesn't tell its own transactions.
  said=$(echo 'select @@global.gtid_executed;' | my_on_upstream 2>&1) || die "the upstream doesn't tell its transactions: $(my_said "$said")"
  from=$(printf '%s' "$said" | tr -d '\n ')
  t0=$(now)
  backup_clone
  note "copied in $(since "$t0") s"
  backup_stop
  t0=$(now)
  backup_check
  note "checked in $(since "$t0") s"
}

# However the job ends, its server goes, and a copy that isn't whole.
backup_end() {
  backup_stop
  [ -e "$verified" ] || data_remove_copy "$copy" >/dev/null
}

backup_stop() {
  if [ -n "${seed_pid:-}" ]; then
    kill -s TERM "$seed_pid" 2>/dev/null
    wait_until 30 backup_is_unused || kill -s KILL "$seed_pid" 2>/dev/null
    wait "$seed_pid" 2>/dev/null
  fi
  seed_pid=''
  if [ -d "$seed" ]; then data_remove_copy "$seed" >/dev/null; fi
}

# A process that has ended and wasn't waited for is still there, but works nowhere.
backup_has_ended() { ! readlink "/proc/$seed_pid/cwd" >/dev/null; }

backup_is_unused() { ! data_used "$seed"; }

# Why the job's server can't start: its first error.
backup_why() { printf '%s\n' "$1" | grep -F '[ERROR]' | grep -v 'MY-010119' | head -n 1 | sed -E 's/^.*\[ERROR\] //' | cut -c 1-400; }

# A server that is empty and takes nothing from outside: CLONE runs in the server that receives.
backup_serve() {
  install -d -m 0700 -o "$owner" -g "$(id -gn "$owner")" -- "$seed" || die "$seed can't be made"
  if backup_may_borrow; then
    cp -a -- "$data/." "$seed/" || die "$data can't be copied to $seed"
    rm -f -- "$seed/auto.cnf"
  else
    said=$(backup_mysqld --initialize-insecure 2>&1 </dev/null) || die "the copy's own server can't be made: $(backup_why "$said")"
  fi
  backup_mysqld --skip-networking --socket="$seed_socket" --pid-file="$seed/clone.pid" --plugin-load-add=mysql_clone.so \
    --clone-valid-donor-list="$upstream_address:$upstream_port" --clone-max-data-bandwidth="$(backup_rate)" \
    --clone-donor-timeout-after-network-failure=5 ${tls_ca:+"--clone-ssl-ca=$tls_ca" "--clone-ssl-cert=$tls_cert" "--clone-ssl-key=$tls_key"} >"${job:-/tmp}/mysqld.log" 2>&1 </dev/null &
  seed_pid=$!
  wait_until 60 backup_answers || die "the copy's own server doesn't answer"
  ! backup_has_ended || die "the copy's own server ended: $(backup_why "$(cat -- "${job:-/tmp}/mysqld.log")")"
}

# Whether the data directory is what the package made, untouched and unused: a copy of that is made sooner than another such one.
backup_may_borrow() {
  case $recipient in *innodb* | *lower-case*) return 1 ;; esac
  if data_is_mount "$data"; then return 1; fi
  my_is_down && [ -e "$data/mysql.ibd" ] && [ ! -e "$data/replform.copy" ] && ! ls "$data"/binlog.* >/dev/null 2>&1 &&
    [ "$(du -sm -- "$data" | cut -f 1)" -lt 400 ] &&
    [ -z "$(find "$data" -mindepth 1 -maxdepth 1 -type d ! -name mysql ! -name sys ! -name performance_schema ! -name '#innodb*')" ]
}

backup_answers() { [ "$(echo 'select 1;' | backup_sql 2>/dev/null)" = 1 ] || backup_has_ended; }

# The plugin's limit is in MiB a second, 0 is none.
backup_rate() {
  [ -n "$max_rate" ] || { echo 0 && return 0; }
  rate=$((max_rate / 1048576))
  [ "$rate" -ge 1 ] || rate=1
  echo "$rate"
}

# A donor serves one clone at a time: while it serves another replica's, this one waits.
backup_clone() {
  wait_until 43200 backup_clone_ended || die "the upstream was busy with other copies for 12 hours; nothing was copied"
  [ "$clone_code" -eq 0 ] || die "the copy stopped: $(my_said "$said"); the half copy was removed"
  result=$(echo 'select state, error_no from performance_schema.clone_status;' | backup_sql) || die "the copy's own server doesn't say how the copy ended"
  case $result in
    Completed*0) ;;
    *) die "the copy isn't whole: $result; the half copy was removed" ;;
  esac
}

# The plugin encrypts where both can; with a proof it must, in clear it must not.
backup_ssl() {
  case ${tls_mode:-PREFERRED} in
    VERIFY_IDENTITY) echo ' require ssl' ;;
    DISABLED) echo ' require no ssl' ;;
  esac
}

# The password stands in the statement, which only root could see, in a server that only root reaches.
backup_clone_ended() {
  said=$(
    backup_sql 2>&1 <<SQL
clone instance from '$role'@'$upstream_address':$upstream_port identified by $(my_quoted "$password") data directory = '$copy'$(backup_ssl);
SQL
  )
  clone_code=$?
  case $said in
    *'Too many concurrent clone operations'*) ;;
    *) return 0 ;;
  esac
  [ "${clone_waits:-no}" = yes ] || note "the upstream serves another copy; this one waits for it"
  clone_waits=yes
  data_remove_copy "$copy" >/dev/null
  sleep 2
  return 1
}

backup_check() {
  [ ! -e "$copy/auto.cnf" ] || rm -f -- "$copy/auto.cnf"
  find "$copy" -name '*.ibd' -o -name 'ibdata[0-9]*' -o -name 'undo_[0-9]*' -o -name '*.ibu' | sort >"${job:-/tmp}/pages" || die "the copy can't be listed"
  checked=0
  while IFS= read -r file; do
    said=$(innochecksum -- "$file" 2>&1 </dev/null) || die "a page of $file isn't as it was written: $(printf '%s' "$said" | head -n 1); the copy was removed"
    checked=$((checked + 1))
  done <"${job:-/tmp}/pages"
  rm -f -- "${job:-/tmp}/pages"
  [ "$checked" -gt 0 ] || die "the copy holds no tables at all"
  bytes=$(du -sb -- "$copy" | cut -f 1)
  printf 'donor=%s\n' "$upstream_identity" | write_file "$copy/replform.copy" 0640 "$owner:$owner" || die "$copy can't be written"
  sync -f -- "$copy" || die "the copy can't be written to the disk"
  printf '%s\n%s\n%s\n' "${job:-none}" "$upstream_identity" "$from" | sed '1s|.*/||' | write_file "$verified" 0600 root:root ||
    die "$verified can't be written"
  measured bytes "$bytes"
  changed "copy $copy, checked"
}

verify() {
  backup_place
  # The restore has begun to move it.
  if data_swap_begun "$data"; then
    backup_is_done || die "a swap in $data was cut off, and the copy that it moves isn't this one"
    return 0
  fi
  my_copy_is_whole || die "$copy isn't a whole copy"
  [ ! -e "$copy/auto.cnf" ] || die "$copy carries a server_uuid"
  [ "$(sed -n 2p -- "$verified" 2>/dev/null)" = "$(my_copy_note "$copy" donor)" ] || die "$copy wasn't checked"
}

# Bytes by the plugin's own account; its estimate covers the files, to which log and pages of the last seconds come.
progress() {
  backup_place
  echo "select ifnull(sum(data),0), greatest(ifnull(sum(estimate),0),ifnull(sum(data),0)) from performance_schema.clone_progress;" |
    timeout 3 mysql --no-defaults --protocol=socket -S "$seed_socket" -u root --connect-timeout=2 -N -B 2>/dev/null | tr '\t' ' '
}
