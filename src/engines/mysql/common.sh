# shellcheck shell=sh disable=SC2154,SC2034
# What MySQL's step scripts share: where the server's parts are, asking it, starting, stopping, our file. Stands between the
# functions of all engines and the script. Changes nothing by itself; defines functions only; each of them can be run again.
#
# Variables from the plan: port. my_place sets: unit conf drop_in owner data socket log copy verified.
# The traps that are handled here (each met on real servers): a server that fails five times isn't started again by systemd until
# its unit is reset; mysqld-auto.cnf beats every file; a clone's directory must be one that mysqld (and AppArmor) may write in.

my_place() {
  unit=mysql conf=/etc/mysql/mysql.conf.d owner=mysql log=/var/log/mysql/error.log
  drop_in=$conf/zz-replform.cnf
  [ -x /usr/sbin/mysqld ] || die "this host has no MySQL server (no /usr/sbin/mysqld)"
  my_version=$(timeout 10 /usr/sbin/mysqld --no-defaults --version 2>/dev/null </dev/null)
  case $my_version in
    *MariaDB*) die "the server of this host is a MariaDB, not a MySQL: $my_version" ;;
  esac
  data=$(my_option datadir)
  data=${data:-/var/lib/mysql} data=${data%/}
  socket=$(my_option socket)
  socket=${socket:-/run/mysqld/mysqld.sock}
  case $data in
    /?*/?*) ;;
    *) die "the data directory isn't known: \"$data\"" ;;
  esac
  # The one place beside the data where mysqld may make a directory: its own, and in Debian's AppArmor profile.
  files=/var/lib/mysql-files
  copy=$files/mysql.replform-copy
  if data_is_mount "$data"; then copy=$data/.replform-copy; fi
  verified=$copy.verified
}

# my_option NAME: what the configuration files say, the last one wins; NAME with underscores.
my_option() {
  timeout 10 my_print_defaults mysqld 2>/dev/null </dev/null |
    awk -v wanted="$1" '{
      line = substr($0, 3); at = index(line, "="); name = at ? substr(line, 1, at - 1) : line
      gsub("-", "_", name)
      if (name == wanted) { value = at ? substr(line, at + 1) : ""; found = 1 }
    } END { if (found) print value }'
}

# my_sql: SQL from standard input as root; rows without frills. my_limit: its seconds.
# What goes wrong stands on standard error. No ~/.my.cnf is read, no history is kept.
my_sql() {
  { printf '%s\n' 'set session lock_wait_timeout=10, session sql_mode="";' && cat; } |
    timeout -k 1 $((${my_limit:-30} + 5)) mysql --no-defaults --protocol=socket -S "$socket" -u root --connect-timeout=5 \
      -N -B -r
}

# my_ask SQL: one value; empty when it can't be told.
my_ask() { printf '%s;\n' "$1" | my_limit=${my_limit:-5} my_sql 2>/dev/null; }

# my_quoted TEXT: as a literal of SQL.
my_quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"; }

# What the client said, in one line, without its own numbers.
my_said() { printf '%s' "$1" | sed -E 's/^ERROR ([0-9]+) \([0-9A-Z]+\)( at line [0-9]+)?: */\1: /; s/^mysql: \[Warning\].*//' | awk 'NF' | head -n 3 | tr '\n\t' '  '; }

my_unit() { timeout 10 systemctl show -p ActiveState --value "$unit"; }

my_pid() { timeout 10 systemctl show -p MainPID --value "$unit"; }

# my_state: sets my_status: up (answers root) | silent (a process, no answer) | down.
my_state() {
  my_status=down
  if [ "$(my_ask 'select 1')" = 1 ]; then
    my_status=up
  elif data_used "$data" || [ "$(my_unit)" = activating ]; then
    my_status=silent
  fi
}

my_is_up() { [ "$(my_ask 'select 1')" = 1 ]; }

my_is_down() {
  if data_used "$data"; then return 1; fi
  case $(my_unit) in inactive | failed) return 0 ;; *) return 1 ;; esac
}

# my_running: dies unless the server answers, and is the one on the port.
my_running() {
  said=$(echo 'select @@port;' | my_limit=5 my_sql 2>&1) && [ "$said" = "$port" ] && return 0
  case $said in
    *[!0-9]* | '') die "MySQL doesn't answer root on $socket: $(my_said "$said")" ;;
    *) die "the MySQL server of this host has port $said, not $port" ;;
  esac
}

my_log_mark() { log_mark=$(stat -c %s -- "$log" 2>/dev/null || echo 0); }

# The last errors of the server's log since my_log_mark, in one line.
my_log_tail() {
  tail -c "+$((${log_mark:-0} + 1))" -- "$log" 2>/dev/null | grep -F '[ERROR]' |
    sed -E 's/^[^ ]+ +[0-9]+ \[ERROR\] (\[[A-Z0-9-]+\]) \[[A-Za-z]+\] /\1 /' | uniq | tail -n 3 |
    awk '{ gsub(/\t/, " "); printf "%s%s", between, $0; between = "; " }' | cut -c 1-700
}

# Whether a start has come to an end, good or bad.
my_start_ended() {
  if my_is_up; then return 0; fi
  case $(my_unit) in
    failed) return 0 ;;
    # Started, and not there: its process ended well. Right after the order it may not be seen yet.
    inactive) [ "$(replform_centiseconds)" -gt "$start_patience" ] ;;
    *) return 1 ;;
  esac
}

# my_wait_up SECONDS: waits for a server that was told to start. Fails when it can't.
my_wait_up() {
  start_patience=$(($(replform_centiseconds) + 300))
  wait_until "$1" my_start_ended
  my_is_up
}

# my_start SECONDS: starts the server; one that can't is told to stop, as systemd would try it again and again.
my_start() {
  my_log_mark
  systemctl reset-failed "$unit" 2>/dev/null
  systemctl start --no-block "$unit" || return 1
  if my_wait_up "$1"; then return 0; fi
  data_used "$data" || timeout 60 systemctl stop "$unit"
  return 1
}

# my_stop SECONDS: stops the server and sees that no process of it is left.
my_stop() {
  systemctl stop --no-block "$unit" || return 1
  wait_until "$1" my_is_down
}

drop_in_head='# Written by replform: what stands here is overwritten by its next run, and taken away when the replication is.'

# my_drop_in: the `name = value` lines of our file, without head and section.
my_drop_in() { grep -vE '^(#|\[mysqld\])' -- "$drop_in" 2>/dev/null; }

# my_drop_in_write: standard input (lines) becomes our file, which is read after all others of its directory.
my_drop_in_write() {
  [ -d "$conf" ] || die "$conf isn't there: this isn't Debian's MySQL"
  { printf '%s\n[mysqld]\n' "$drop_in_head" && cat; } | write_file "$drop_in" 0644 root:root
}

# my_drop_in_put_back TEXT: our file as it was; no text: there was none.
my_drop_in_put_back() {
  if [ -n "$1" ]; then printf '%s\n' "$1" | my_drop_in_write; else rm -f -- "$drop_in"; fi
}

# my_names: of `name = value` lines the names.
my_names() { sed -nE 's/^[[:space:]]*([a-z0-9_]+)[[:space:]]*=.*/\1/p'; }

# my_value NAME: of the lines on standard input the value of NAME.
my_value() { sed -nE "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" | tail -n 1; }

# my_config_error: what is wrong in the configuration on disk; nothing when it is good. Touches no server.
my_config_error() {
  said=$(timeout 20 /usr/sbin/mysqld --user="$owner" --validate-config --log-error=/dev/stderr 2>&1 </dev/null) && return 0
  said=$(printf '%s\n' "$said" | grep -F '[ERROR]' | grep -v 'MY-010119' | head -n 1 | sed -E 's/^.*\[ERROR\] //')
  printf '%s' "${said:-mysqld --validate-config fails}"
}

# my_overridden LINES: the first of our settings that another file wins over; nothing when ours are in force at the next start.
my_overridden() {
  printf '%s\n' "$1" | my_names | while IFS= read -r name; do
    wanted=$(printf '%s\n' "$1" | my_value "$name")
    found=$(my_option "$name")
    if [ "$found" != "$wanted" ]; then
      printf '%s is "%s" after all files are read, not "%s": another file wins over %s' "$name" "$found" "$wanted" "$drop_in"
      break
    fi
  done
}

# my_on_upstream: SQL from standard input to the upstream, as the replica's account; the password goes by a
# file that only root can read and that is gone when this returns.
my_on_upstream() {
  (umask 077 && mkdir -p /run/replform) || die "/run/replform can't be made"
  login=/run/replform/mysql-login.$$
  {
    printf '[client]\nuser=%s\npassword="%s"\n' "$role" "$password"
    if [ -n "${tls_ca:-}" ]; then printf 'ssl-ca="%s"\nssl-cert="%s"\nssl-key="%s"\n' "$tls_ca" "$tls_cert" "$tls_key"; fi
  } | write_file "$login" 0600 root:root || die "/run/replform can't be written"
  timeout -k 1 20 mysql --defaults-file="$login" --protocol=tcp -h "$upstream_address" -P "$upstream_port" --connect-timeout=10 \
    --ssl-mode="${tls_mode:-PREFERRED}" --get-server-public-key -N -B -r
  login_code=$?
  rm -f -- "$login"
  return "$login_code"
}

# my_movable: dies where no copy can be moved to the data directory's place.
my_movable() {
  data_movable "$data" inside
  if [ ! -d "$files" ] || [ -L "$files" ] || [ "$(stat -c %U -- "$files")" != "$owner" ]; then
    die "$files isn't a directory of $owner's: Debian's package makes it, and only there may mysqld write a copy"
  fi
  data_is_mount "$data" || [ "$(stat -c %d -- "$files")" = "$(stat -c %d -- "${data%/*}")" ] ||
    die "$files is on another file system than ${data%/*}: a copy could not be renamed into place"
}

# The note that a copy of ours carries in itself: whose it is, and what it holds. A server that ran since has its own auto.cnf.
my_copy_note() { sed -n "s/^$2=//p" "$1/replform.copy" 2>/dev/null | head -n 1; }

my_copy_is_whole() { [ -e "$copy/ibdata1" ] && [ -e "$copy/mysql.ibd" ] && [ -s "$copy/replform.copy" ]; }

# my_uuid DIRECTORY: the server_uuid that a data directory's server has; nothing where it never ran.
my_uuid() { sed -n 's/^server-uuid=//p' "$1/auto.cnf" 2>/dev/null | head -n 1; }

# my_elsewhere NAME: the value that the server would start with but for our file: what another file says, else what it makes of itself.
my_elsewhere() {
  elsewhere_own=$(my_drop_in | my_value "$1")
  elsewhere_said=$(
    timeout 10 my_print_defaults mysqld 2>/dev/null </dev/null | awk -v wanted="$1" -v own="$elsewhere_own" '
      { line = substr($0, 3); at = index(line, "="); name = at ? substr(line, 1, at - 1) : line; gsub("-", "_", name)
        if (name == wanted) { value[++count] = at ? substr(line, at + 1) : "ON"; if (value[count] == own) last = count } }
      END { for (at = count; at > 0; at--) if (at != last) { print value[at]; exit } }'
  )
  if [ -n "$elsewhere_said" ]; then
    printf '%s\n' "$elsewhere_said"
    return 0
  fi
  case $1 in
    # It makes these at its first start, and finds them again.
    ssl_ca) elsewhere_file=ca.pem ;;
    ssl_cert) elsewhere_file=server-cert.pem ;;
    ssl_key) elsewhere_file=server-key.pem ;;
    *)
      timeout 20 /usr/sbin/mysqld --no-defaults --user="$owner" --verbose --help 2>/dev/null </dev/null |
        awk -v name="$(printf '%s' "$1" | tr _ -)" '$1 == name && !found { print $2; found = 1 }'
      return 0
      ;;
  esac
  if [ -e "$data/$elsewhere_file" ]; then printf '%s\n' "$elsewhere_file"; fi
}

# A value with the words of a file and of the server made equal.
my_plain() {
  case $1 in
    1 | on | On | ON | true | TRUE | yes | YES) echo ON ;;
    0 | off | Off | OFF | false | FALSE | no | NO) echo OFF ;;
    *) printf '%s\n' "$1" ;;
  esac
}

# my_staying NAMES: the lines of our file that stay: these settings, and GTIDs where nothing else turns them on: who reads by GTID, and
# every backup with them, would lose its place.
my_staying() {
  my_drop_in | while IFS= read -r line; do
    staying_name=$(printf '%s\n' "$line" | my_names)
    case $staying_name in
      gtid_mode | enforce_gtid_consistency) [ "$(my_plain "$(my_elsewhere "$staying_name")")" = ON ] || printf '%s\n' "$line" && continue ;;
    esac
    if printf '%s\n' "$1" | grep -qxF -- "$staying_name"; then printf '%s\n' "$line"; fi
  done
}

# my_put_back NAMES: our file keeps only what stays; nothing: it goes. What the running server takes at once goes back at once, to what
# it would start with; what somebody changed meanwhile is left. The server first, then the file: a cut repeats both.
my_put_back() {
  [ -e "$drop_in" ] || return 0
  put_staying=$(my_staying "$1")
  if [ -n "$put_staying" ] && [ "$put_staying" = "$(my_drop_in)" ]; then return 0; fi
  if my_is_up; then
    put_tls=''
    for put_name in $(my_drop_in | my_names); do
      if printf '%s\n' "$put_staying" | my_names | grep -qxF -- "$put_name"; then continue; fi
      case $put_name in
        server_id | super_read_only | read_only | ssl_ca | ssl_cert | ssl_key) ;;
        *) continue ;;
      esac
      put_found=$(my_ask "select variable_value from performance_schema.global_variables where variable_name = '$put_name'")
      [ "$(my_plain "$put_found")" = "$(my_plain "$(my_drop_in | my_value "$put_name")")" ] || continue
      put_to=$(my_elsewhere "$put_name")
      case $put_name in
        ssl_*)
          put_tls="$put_tls$put_name "
          put_to=$(my_quoted "$put_to")
          ;;
      esac
      said=$(echo "set global $put_name = $put_to;" | my_sql 2>&1) || die "the server refuses $put_name = $put_to: $(my_said "$said")"
      changed "$put_name = $put_to"
    done
    if [ -n "$put_tls" ]; then
      said=$(echo 'alter instance reload tls;' | my_sql 2>&1) || die "the server doesn't take its own certificate back: $(my_said "$said")"
    fi
  fi
  my_drop_in_put_back "$put_staying" || die "$drop_in can't be written"
  changed "$drop_in: ${put_staying:-removed}"
}

# my_put_back_stands NAMES: dies where our file sets anything that doesn't stay.
my_put_back_stands() {
  [ "$(my_drop_in)" = "$(my_staying "$1")" ] || die "$drop_in still sets $(my_drop_in | my_names | tr '\n' ' ')"
}

# my_tls_remove: keys and certificates of ours go, unless our file still names them.
my_tls_remove() {
  [ -d /etc/mysql/replform ] || return 0
  case $(my_drop_in) in */etc/mysql/replform/*) return 0 ;; esac
  rm -rf --one-file-system -- /etc/mysql/replform || die "/etc/mysql/replform can't be removed"
  changed "removed /etc/mysql/replform"
}

# my_plugin_remove: the clone plugin that replform loaded goes; where a clone runs it is refused by the server, and said.
my_plugin_remove() {
  [ "$(my_ask "select count(*) from information_schema.plugins where plugin_name = 'clone'")" = 1 ] || return 0
  said=$(echo 'uninstall plugin clone;' | my_sql 2>&1) || die "the clone plugin can't be taken away: $(my_said "$said")"
  changed "clone plugin taken away"
}

# my_account_remove NAME BINLOG: an account of ours goes, and so do its connections: one that reads the binary log outlives its
# account. BINLOG 0: nothing of it is written to this server's binary log.
my_account_remove() {
  said=$(
    {
      printf 'set session sql_log_bin = %s;\n' "$2"
      my_ask "select concat('drop user if exists ', quote(user), '@', quote(host), ';') from mysql.user where user = '$1'"
    } | my_sql 2>&1
  ) || die "the account $1 can't be dropped: $(my_said "$said")"
  for id in $(my_ask "select processlist_id from performance_schema.threads where processlist_user = '$1'"); do
    if echo "kill $id;" | my_sql >/dev/null 2>&1; then changed "ended a connection of $1"; fi
  done
}

# my_account_is_gone NAME: dies where it is there, or can't be asked for.
my_account_is_gone() {
  [ "$(my_ask "select count(*) from mysql.user where user = '$1'")" = 0 ] || die "the account $1 is still there"
}
