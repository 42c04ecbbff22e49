# shellcheck shell=sh disable=SC2154,SC2034,SC2119,SC2120
# What PostgreSQL's step scripts share: where a cluster's parts are, asking it, starting, stopping, our files. Stands between
# src/engines/common.sh and the script. Changes nothing by itself; defines functions only; each of them can be run again.
#
# Variables from the plan: version (15), cluster (main), port. pg_place sets: conf unit owner bin data socket log copy verified.
# The traps that are handled here (each met on real servers): `systemctl start` of a cluster that can't start never returns;
# a unit that hangs in `activating` swallows further starts; a stop during `activating` may leave processes behind.

pg_place() {
  conf=/etc/postgresql/$version/$cluster unit=postgresql@$version-$cluster bin=/usr/lib/postgresql/$version/bin
  log=/var/log/postgresql/postgresql-$version-$cluster.log
  [ -e "$conf/postgresql.conf" ] || die "this host has no PostgreSQL cluster $version/$cluster (no $conf/postgresql.conf)"
  owner=$(stat -c %U -- "$conf/postgresql.conf")
  data=$(timeout 10 runuser -u "$owner" -- "$bin/postgres" -C data_directory -c "config_file=$conf/postgresql.conf" 2>/dev/null </dev/null)
  # A configuration with an error in it answers nothing; the line itself does.
  [ -n "$data" ] ||
    data=$(sed -nE "s/^[[:space:]]*data_directory[[:space:]]*=?[[:space:]]*'([^']*)'.*/\1/p" "$conf/postgresql.conf" | tail -n 1)
  case $data in
    /?*/?*) ;;
    *) die "the data directory of cluster $version/$cluster isn't known: \"$data\"" ;;
  esac
  copy=$data.replform-copy verified=$data.replform-copy.verified
}

# pg_state: reads postmaster.pid into pg_pid and pg_status: starting | ready | standby | stopping | down.
pg_state() {
  pg_pid='' pg_status=down socket=''
  [ -r "$data/postmaster.pid" ] || return 0
  {
    read -r pg_pid && read -r _ && read -r _ && read -r _ && read -r socket && read -r _ && read -r _ && read -r pg_status
  } 2>/dev/null <"$data/postmaster.pid"
  pg_status=${pg_status%% *}
  if ! grep -qs '^postgres' "/proc/${pg_pid:-none}/comm"; then pg_pid='' pg_status=down; fi
  # Its file is there before its eighth line.
  [ -z "$pg_pid" ] || [ "$pg_status" != down ] || pg_status=starting
}

pg_is_up() {
  pg_state
  case $pg_status in ready | standby) return 0 ;; *) return 1 ;; esac
}

pg_is_down() {
  pg_state
  [ "$pg_status" = down ] && ! data_used "$data"
}

pg_unit() { timeout 10 systemctl show -p ActiveState --value "$unit"; }

pg_unit_is() { [ "$(pg_unit)" = "$1" ]; }

# Options of every session of ours. Messages in English, as texts are compared; nothing of ours in the server's log.
pg_options='-c application_name=replform -c lc_messages=C -c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic -c lock_timeout=10000'

# pg_sql [psql's arguments]: SQL from standard input as the superuser; rows without frills. pg_limit: its seconds.
pg_sql() {
  PGCONNECT_TIMEOUT=5 PGOPTIONS="$pg_options -c statement_timeout=${pg_limit:-30}s" \
    timeout -k 1 $((${pg_limit:-30} + 5)) runuser -u "$owner" -- \
    "$bin/psql" -X -q -w -At -v ON_ERROR_STOP=1 -h "${socket:-/var/run/postgresql}" -p "$port" -d postgres "$@"
}

# pg_running: dies unless the server answers.
pg_running() {
  pg_state
  case $pg_status in
    ready) ;;
    down) die "PostgreSQL $version/$cluster isn't running" ;;
    *) die "PostgreSQL $version/$cluster takes no queries now: it is $pg_status" ;;
  esac
  said=$(echo 'select 1;' | pg_limit=5 pg_sql 2>&1)
  [ "$said" = 1 ] || die "PostgreSQL $version/$cluster doesn't answer its superuser on port $port: $(pg_said "$said")"
}

pg_log_mark() { log_mark=$(stat -c %s -- "$log" 2>/dev/null || echo 0); }

# The last lines of the server's log since pg_log_mark, in one line.
pg_log_tail() {
  tail -c "+$((${log_mark:-0} + 1))" -- "$log" 2>/dev/null | grep -E 'FATAL|PANIC|ERROR|HINT|DETAIL' |
    sed -E 's/^[-0-9]+ [0-9:.]+ [A-Z]+ \[[0-9]+\] //' | uniq | tail -n 4 |
    awk '{ gsub(/\t/, " "); printf "%s%s", between, $0; between = "; " }' | cut -c 1-700
}

# Why the server went on with the certificates it had, since pg_log_mark; nothing when it took the new ones.
pg_tls_refused() {
  tail -c "+$((${log_mark:-0} + 1))" -- "$log" 2>/dev/null | grep -B 1 'SSL configuration was not reloaded' |
    sed -E 's/^[-0-9]+ [0-9:.]+ [A-Z]+ \[[0-9]+\] //; s/^LOG: +//' | head -n 1
}

# Whether a start has come to an end, good or bad. Its command has ended and left no server: the unit hangs in `activating`.
# A process that doesn't come up within 10 s won't any more.
pg_start_ended() {
  if pg_is_up; then return 0; fi
  if [ "$pg_status" = down ]; then
    case $(timeout 10 systemctl show -p ActiveState,ControlPID "$unit" | sort | tr '\n' ' ') in
      'ActiveState=activating ControlPID=0 ' | 'ActiveState=failed '*) return 0 ;;
    esac
    [ "$(replform_centiseconds)" -gt "$start_patience" ]
    return
  fi
  # Seen, and then gone for 2 s: it ended.
  start_patience=$(($(replform_centiseconds) + 200))
  return 1
}

# pg_wait_up SECONDS: waits for a server that was told to start. Fails when it can't.
pg_wait_up() {
  start_patience=$(($(replform_centiseconds) + 1000))
  wait_until "$1" pg_start_ended
  pg_is_up
}

# pg_start SECONDS: starts the cluster; when that fails, its unit is stopped again, as it would hang for ever.
pg_start() {
  pg_state
  if [ "$pg_status" = down ]; then
    case $(pg_unit) in
      inactive) ;;
      *) timeout 60 systemctl stop "$unit" || return 1 ;;
    esac
  fi
  pg_log_mark
  systemctl reset-failed "$unit" 2>/dev/null
  systemctl start --no-block "$unit" || return 1
  if pg_wait_up "$1"; then return 0; fi
  [ "$pg_status" != down ] || timeout 60 systemctl stop "$unit"
  return 1
}

# pg_stop SECONDS: stops the cluster and sees that no process of it is left.
pg_stop() {
  stop_signalled=no
  systemctl stop --no-block "$unit" || return 1
  wait_until "$1" pg_stop_ended
}

# A stop while the unit was `activating` doesn't reach the server: it is told by a signal, once (fast shutdown).
pg_stop_ended() {
  if pg_is_down; then return 0; fi
  if [ "$stop_signalled" = no ] && [ -n "$pg_pid" ] && [ "$pg_status" != stopping ]; then
    case $(pg_unit) in
      inactive | failed)
        stop_signalled=yes
        kill -s INT "$pg_pid" 2>/dev/null
        ;;
    esac
  fi
  return 1
}

pg_reload() { echo 'select pg_reload_conf();' | pg_sql >/dev/null; }

# pg_control DIRECTORY NAME: a line of the control file.
pg_control() {
  timeout 10 "$bin/pg_controldata" -- "$1" 2>/dev/null | sed -n "s/^$2: *//p"
}

# pg_names: of `name = value` lines the names.
pg_names() { sed -nE 's/^[[:space:]]*([a-z_.]+)[[:space:]]*=.*/\1/p'; }

drop_in_head="# Written by replform: what stands here is overwritten by its next run, and taken away when the replication is."

# pg_drop_in_write: standard input (lines) becomes our drop-in.
pg_drop_in_write() {
  { printf '%s\n' "$drop_in_head" && cat; } | write_file "$conf/conf.d/90-replform.conf" 0640 "$owner:$owner"
}

# The lines of our drop-in, without its head.
pg_drop_in() { grep -v '^#' -- "$conf/conf.d/90-replform.conf" 2>/dev/null; }

# pg_drop_in_put_back TEXT: the drop-in as it was; no text: there was none.
pg_drop_in_put_back() {
  if [ -n "$1" ]; then printf '%s\n' "$1" | pg_drop_in_write; else rm -f -- "$conf/conf.d/90-replform.conf"; fi
}

# pg_config_error: what is wrong in the configuration on disk, overlaid files included; nothing when it is good. The server's
# own view (pg_file_settings) has the same words for a bad value and for one that waits for a restart.
pg_config_error() {
  timeout 10 runuser -u "$owner" -- "$bin/postgres" -C port -c "config_file=$conf/postgresql.conf" 2>&1 >/dev/null </dev/null |
    grep -E '(LOG|FATAL|ERROR):' | head -n 1 | sed -E 's/^.*(LOG|FATAL|ERROR): +//'
}

pg_drop_in_is_read() {
  grep -qsE "^[[:space:]]*include_dir[[:space:]]*=?[[:space:]]*'conf.d'" "$conf/postgresql.conf" ||
    die "$conf/postgresql.conf doesn't read conf.d: write include_dir = 'conf.d' at its end"
}

# pg_conninfo APPLICATION: how this host reaches its upstream (conninfo, as in the drop-in). The password stands in the passfile only.
pg_conninfo() { printf '%s application_name=%s' "$conninfo" "$1"; }

# What psql said, in one line: it tries with and without encryption and says all twice.
pg_said() { printf '%s\n' "$1" | sed 's/^psql: error: //' | awk '!seen[$0]++' | tr '\n\t' '  '; }

# pg_replication COMMAND: a command of the replication protocol, asked of the upstream as the replica will ask.
pg_replication() {
  printf '%s\n' "$1" | timeout -k 1 20 runuser -u "$owner" -- "$bin/psql" -X -q -w -At -v ON_ERROR_STOP=1 \
    -d "$(pg_conninfo replform) replication=true"
}

# pg_identify: `SYSTEM_ID|TIMELINE|LSN|` of the upstream.
pg_identify() { pg_replication 'IDENTIFY_SYSTEM;'; }

pg_copy_is_whole() { [ -e "$copy/PG_VERSION" ] && [ -e "$copy/backup_manifest" ]; }

# pg_drop_in_reduce NAMES: of our drop-in only the lines of these settings stay, none: it goes. The running server reloads.
pg_drop_in_reduce() {
  [ -e "$conf/conf.d/90-replform.conf" ] || return 0
  reduced=$(pg_drop_in | while IFS= read -r line; do
    if printf '%s\n' "$1" | grep -qxF -- "$(printf '%s\n' "$line" | pg_names)"; then printf '%s\n' "$line"; fi
  done)
  if [ "$reduced" = "$(pg_drop_in)" ] && [ -n "$reduced" ]; then return 0; fi
  pg_drop_in_put_back "$reduced" || die "$conf/conf.d/90-replform.conf can't be written"
  changed "$conf/conf.d/90-replform.conf: ${reduced:-removed}"
  pg_state
  [ "$pg_status" != ready ] || pg_reload || die "the server doesn't reload"
}

# The path of pg_hba.conf, as the server reads it.
hba_file() { echo 'show hba_file;' | pg_sql; }

hba_wrong() { echo "select 'line '||line_number||': '||error from pg_hba_file_rules where error is not null limit 1;" | pg_sql; }

hba_errors() {
  wrong=$(hba_wrong) || die "the server doesn't tell what it makes of pg_hba.conf"
  [ -z "$wrong" ] || die "pg_hba.conf has an error, so the server would keep its old rules: $wrong"
}

# hba_block_is_whole ROLE: dies where our block of a role was cut by hand.
hba_block_is_whole() {
  hba=$(hba_file)
  [ -f "$hba" ] || die "pg_hba.conf isn't at $hba"
  awk -v b="# replform begin $1:" -v e="# replform end $1" '
    index($0, b) == 1 { if (inside) exit bad = 1; inside = 1 }
    $0 == e { if (!inside) exit bad = 1; inside = 0 }
    END { exit bad || inside }' "$hba" ||
    die "replform's block for $1 in $hba was cut by hand: remove what is left of it"
}

# hba_others ROLE: pg_hba.conf ($hba) without our block of a role.
hba_others() {
  awk -v b="# replform begin $1:" -v e="# replform end $1" '
    index($0, b) == 1 { inside = 1 }
    !inside { print }
    $0 == e { inside = 0 }' "$hba"
}

# hba_write TEXT: pg_hba.conf ($hba) becomes this text, unless the server refuses it: then it is as it was before.
hba_write() {
  hba_before=$(cat -- "$hba") || die "$hba can't be read"
  if [ "$1" = "$hba_before" ]; then return 0; fi
  printf '%s\n' "$1" | write_file "$hba" "$(stat -c %a -- "$hba")" "$(stat -c %U:%G -- "$hba")" || die "$hba can't be written"
  wrong=$(hba_wrong)
  if [ -n "$wrong" ]; then
    printf '%s\n' "$hba_before" | write_file "$hba" "$(stat -c %a -- "$hba")" "$(stat -c %U:%G -- "$hba")"
    die "the server doesn't take our lines in pg_hba.conf ($wrong); the file is as it was before"
  fi
  changed "pg_hba.conf: the lines of $role"
}

# hba_remove ROLE: our block of a role goes.
hba_remove() {
  hba=$(hba_file) || die "the server doesn't tell where pg_hba.conf is"
  hba_rest=$(hba_others "$1") || die "$hba can't be read"
  hba_write "$hba_rest"
  pg_reload || die "the server doesn't reload"
}

# role_remove ROLE: a role of ours goes; one that owns something or has rights of others' stays, shut.
role_remove() {
  [ -n "$(echo "select 1 from pg_roles where rolname = :'role';" | pg_sql -v role="$1")" ] || return 0
  if printf '%s\n' 'drop role :"role";' | pg_sql -v role="$1" 2>/dev/null; then
    changed "dropped the role $1"
  else
    printf '%s\n' 'alter role :"role" with nologin noreplication password null;' | pg_sql -v role="$1" || die "the role $1 can't be shut"
    note "the role $1 owns something or has rights that replform didn't give it: it stays, without login"
  fi
}

# tls_remove: keys and certificates of ours beside the configuration go. Nothing may be configured to read them any more.
tls_remove() {
  [ -d "$conf/replform" ] || return 0
  rm -rf --one-file-system -- "$conf/replform" || die "$conf/replform can't be removed"
  changed "removed $conf/replform"
}
