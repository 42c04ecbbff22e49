# shellcheck shell=sh disable=SC2154,SC2034
# What MariaDB's step scripts share: where the server's parts are, asking it, starting, stopping, our files. Stands after the
# engines' common.sh. Changes nothing by itself; defines functions only; each of them can be run again.
#
# Variables from the plan: port. maria_place sets: unit data copy verified client sock drop_in link_file.
# The traps that are handled here (each met on real servers): while mariadb.socket is active any connection starts a stopped
# server again, so it is stopped with the server and nothing connects to one that is down; `systemctl start` may wait 900 s.

maria_place() {
  unit=mariadb.service link_file=/etc/mysql/replform.client
  drop_in=/etc/mysql/mariadb.conf.d/99-replform.cnf
  client=$(command -v mariadb || command -v mysql) || die "this host has no MariaDB client"
  [ -x /usr/sbin/mariadbd ] || die "this host has no MariaDB server (no /usr/sbin/mariadbd)"
  maria_defaults || die "the server's configuration files can't be read: $maria_said"
  [ "$(maria_default port 3306)" = "$port" ] || die "the MariaDB server of this host has port $(maria_default port 3306), not $port"
  data=$(maria_default datadir /var/lib/mysql)
  data=${data%/} sock=$(maria_default socket /run/mysqld/mysqld.sock)
  case $data in
    /?*/?*) ;;
    *) die "the data directory isn't known: \"$data\"" ;;
  esac
  copy=$data.replform-copy verified=$data.replform-copy.verified
}

# maria_defaults: reads what the configuration files give the server, one option a line, names with underscores.
maria_defaults() {
  maria_said=$(my_print_defaults --mariadbd 2>&1 </dev/null) || return 1
  maria_options=$(printf '%s\n' "$maria_said" | sed -nE 's/^--(loose-)?//p' |
    awk '{ at = index($0, "="); name = at ? substr($0, 1, at - 1) : $0; rest = at ? substr($0, at) : ""; gsub(/-/, "_", name); print tolower(name) rest }')
}

# maria_default NAME ELSE: the last value that the files give.
maria_default() {
  maria_value=$(printf '%s\n' "$maria_options" | sed -n "s/^$1=//p" | tail -n 1)
  printf '%s' "${maria_value:-$2}"
}

# maria_unit: active, inactive, failed, activating, deactivating.
maria_unit() { timeout 10 systemctl show -p ActiveState --value "${1:-$unit}"; }

# maria_is_down: no unit that runs or is on its way, no process in the data directory.
maria_is_down() {
  case $(maria_unit) in
    inactive | failed) ! data_used "$data" ;;
    *) return 1 ;;
  esac
}

# maria_literal TEXT: as a literal of SQL, whatever sql_mode says of backslashes.
maria_literal() {
  case $1 in
    *\\*) die "a text for the server holds a backslash" ;;
  esac
  printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"
}

# maria_sql: SQL from standard input as root; rows without frills. maria_limit: its seconds.
# Never for a server that is down: mariadb.socket would start it.
maria_sql() {
  # shellcheck disable=SC2086 # maria_login is several words
  HOME=/root MYSQL_HISTFILE=/dev/null timeout -k 1 $((${maria_limit:-30} + 5)) "$client" ${maria_login:---no-defaults --user=root} \
    --protocol=socket --socket="$sock" --connect-timeout=5 --batch --skip-column-names --skip-reconnect
}

# maria_running: dies unless the server answers root: by its socket, else with the password that root's own file holds.
maria_running() {
  case $(maria_unit) in
    active) ;;
    inactive | failed) die "MariaDB isn't running (systemctl status mariadb)" ;;
    *) die "MariaDB takes no queries now: its unit is $(maria_unit)" ;;
  esac
  for maria_login in '--no-defaults --user=root' '--defaults-file=/root/.my.cnf' '--defaults-file=/etc/mysql/debian.cnf'; do
    maria_said=$(echo 'select 1;' | maria_limit=5 maria_sql 2>&1)
    if [ "$maria_said" = 1 ]; then return 0; fi
    case $maria_said in *'Access denied'*) ;; *) break ;; esac
  done
  die "MariaDB doesn't answer root on this host: $(maria_words "$maria_said")"
}

maria_answers() { [ "$(echo 'select 1;' | maria_limit=5 maria_sql 2>/dev/null)" = 1 ]; }

# maria_words TEXT: what the client said, in one line.
maria_words() { printf '%s\n' "$1" | awk '!seen[$0]++' | tr '\n\t' '  ' | cut -c 1-400; }

# maria_variable NAME: its value in force.
maria_variable() {
  printf 'select variable_value from information_schema.global_variables where variable_name = %s;\n' "$(maria_literal "$1")" | maria_sql
}

# maria_log: why the server ended, from the journal since $1 (seconds since the epoch).
maria_log() {
  journalctl -u "$unit" --since "@$1" -o cat --no-pager 2>/dev/null | grep -E '\[ERROR\]|Aborting|No space|Failed' |
    sed -E 's/^[-0-9]+ +[0-9:]+ +[0-9]+ //' | awk '!seen[$0]++' | tail -n 3 | tr '\n\t' '; ' | cut -c 1-500
}

maria_start_ended() { case $(maria_unit) in active | failed) return 0 ;; *) return 1 ;; esac; }

# maria_start SECONDS: starts the server; fails when it can't. Sets start_said.
maria_start() {
  start_at=$(date +%s) start_said=
  systemctl reset-failed "$unit" 2>/dev/null
  systemctl start --no-block "$unit" || return 1
  if wait_until "$1" maria_start_ended && [ "$(maria_unit)" = active ] && wait_until 20 maria_answers; then return 0; fi
  start_said=$(maria_log "$start_at")
  # What fails again and again isn't tried by systemd meanwhile.
  [ "$(maria_unit)" = active ] || timeout 60 systemctl stop "$unit"
  return 1
}

# maria_stop SECONDS: stops the server and what would start it again, and sees that no process of it is left.
maria_stop() {
  if [ "$(maria_unit mariadb.socket)" = active ]; then
    timeout 30 systemctl stop mariadb.socket || return 1
  fi
  systemctl stop --no-block "$unit" || return 1
  wait_until "$1" maria_is_down
}

# maria_socket_off: mariadb.socket would listen everywhere and start a stopped server; not on a replica.
maria_socket_off() {
  [ "$(timeout 10 systemctl show -p LoadState --value mariadb.socket)" = loaded ] || return 0
  case $(timeout 10 systemctl is-enabled mariadb.socket 2>/dev/null) in
    enabled)
      timeout 30 systemctl --quiet disable mariadb.socket 2>/dev/null || die "mariadb.socket can't be disabled"
      changed "disabled mariadb.socket"
      ;;
  esac
}

drop_in_head="# Written by replform: what stands here is overwritten by its next run, and taken away when the replication is."

# maria_drop_in_write: standard input (lines) becomes our drop-in.
maria_drop_in_write() {
  { printf '%s\n[mariadb]\n' "$drop_in_head" && cat; } | write_file "$drop_in" 0644 root:root
}

# The settings of our drop-in, without its head.
maria_drop_in() { grep -vE '^(#|\[)' -- "$drop_in" 2>/dev/null; }

# maria_drop_in_put_back TEXT: the drop-in as it was; no text: there was none.
maria_drop_in_put_back() {
  if [ -n "$1" ]; then printf '%s\n' "$1" | maria_drop_in_write; else rm -f -- "$drop_in"; fi
}

# maria_names: of `name = value` lines the names.
maria_names() { sed -nE 's/^[[:space:]]*([a-z_]+)[[:space:]]*=.*/\1/p'; }

# maria_config_error: what is wrong in the configuration on disk; nothing when it is good. Lines of ours ($1) that another
# file overrules are wrong too.
maria_config_error() {
  config_said=$(timeout 20 runuser -u mysql -- /usr/sbin/mariadbd --help --verbose 2>&1 >/dev/null </dev/null)
  config_code=$?
  if [ "$config_code" -ne 0 ]; then
    printf '%s\n' "$config_said" | grep -E 'ERROR|error' | head -n 1 | sed -E 's/^[-0-9]+ +[0-9:]+ +[0-9]+ //' | grep . ||
      printf 'mariadbd --help ends with code %s' "$config_code"
    return 0
  fi
  maria_defaults || { printf '%s' "$maria_said" && return 0; }
  printf '%s\n' "$1" | maria_names | while IFS= read -r config_name; do
    config_want=$(printf '%s\n' "$1" | sed -n "s/^$config_name = //p")
    config_is=$(maria_default "$config_name" '')
    if [ "$config_is" != "$config_want" ]; then
      printf 'another file sets %s to "%s", which wins over %s' "$config_name" "$config_is" "$drop_in"
      break
    fi
  done
}

# maria_upstream_sql: SQL from standard input to the upstream, as the replica logs in there.
maria_upstream_sql() {
  timeout -k 1 20 "$client" --defaults-file="$link_file" --connect-timeout=10 --batch --skip-column-names
}

# maria_schemas DIRECTORY: the databases in a data directory that aren't the server's own.
maria_schemas() {
  find "$1" -mindepth 1 -maxdepth 1 -type d ! -name mysql ! -name performance_schema ! -name sys ! -name 'lost+found' ! -name '#*' -printf '%f\n' 2>/dev/null | sort
}

# maria_identity DIRECTORY: what tells one data directory from another whose databases differ.
maria_identity() { maria_schemas "$1" | sha256sum | cut -c 1-32; }

# maria_is_untouched DIRECTORY: whether nobody changed an account or a routine since the system tables were made, by the
# times of their files. The package makes all of them within seconds.
maria_is_untouched() {
  made_at=$(stat -c %Y -- "$1/mysql/db.frm" 2>/dev/null) || return 1
  for made_file in global_priv db tables_priv columns_priv procs_priv proxies_priv roles_mapping proc event servers; do
    [ "$(stat -c %Y -- "$1/mysql/$made_file.MAD" 2>/dev/null || echo 9999999999)" -le $((made_at + 300)) ] || return 1
  done
}

# maria_slave NAME: a field of the default connection's status; empty where there is none.
maria_slave() {
  # shellcheck disable=SC2086 # maria_login is several words
  echo 'show slave status;' | HOME=/root timeout -k 1 15 "$client" ${maria_login:---no-defaults --user=root} --protocol=socket --socket="$sock" \
    --connect-timeout=5 --vertical 2>/dev/null | sed -n "s/^ *$1: //p" | head -n 1
}

# maria_own_writes: transactions that this server wrote by itself and its upstream doesn't have, by commas; nothing is good.
# Fails when one of them doesn't answer.
maria_own_writes() {
  own_state=$(echo "select concat(@@server_id, ' ', @@gtid_binlog_state);" | maria_sql) || return 1
  upstream_state=$(echo 'select @@gtid_binlog_state;' | maria_upstream_sql 2>/dev/null) || return 1
  printf '%s\n' "$own_state" | awk -v have="$upstream_state" '{
    count = split(have, list, ",")
    for (i = 1; i <= count; i++) { split(list[i], part, "-"); last[part[1] "-" part[2]] = part[3] }
    count = split($2, list, ",")
    for (i = 1; i <= count; i++) {
      split(list[i], part, "-")
      if (part[2] == $1 && part[3] + 0 > last[part[1] "-" part[2]] + 0) { printf "%s%s", between, list[i]; between = "," }
    }
  }'
}

# maria_elsewhere NAME: the value that the files but for our drop-in give ($2: ours there); fails where none of them does.
maria_elsewhere() {
  printf '%s\n' "$maria_options" | awk -v name="$1" -v own="$1=$2" '
    $0 == name { value[++count] = "ON" }
    index($0, name "=") == 1 { value[++count] = substr($0, length(name) + 2); if ($0 == own) last = count }
    END { for (at = count; at > 0; at--) if (at != last) { print value[at]; exit } exit 1 }'
}

# maria_reduced NAMES: the lines of our drop-in with these settings.
maria_reduced() {
  maria_drop_in | while IFS= read -r line; do
    if printf '%s\n' "$1" | grep -qxF -- "$(printf '%s\n' "$line" | maria_names)"; then printf '%s\n' "$line"; fi
  done
}

# maria_put_back NAMES: of our drop-in only the lines of these settings stay; none: it goes. What the running server takes at once
# gets what other files give it, else its default; what somebody changed meanwhile is left. What only a restart changes comes with the
# next one, and server_id too: until then own writes don't look like the upstream's. The server first, then the file: a cut repeats both.
maria_put_back() {
  [ -e "$drop_in" ] || return 0
  put_back_to=$(maria_reduced "$1")
  if [ -n "$put_back_to" ] && [ "$put_back_to" = "$(maria_drop_in)" ]; then return 0; fi
  if ! maria_is_down; then
    maria_drop_in | while IFS= read -r line; do
      put_name=$(printf '%s\n' "$line" | maria_names) put_value=${line#* = }
      case $put_name in '' | server_id) continue ;; esac
      if printf '%s\n' "$1" | grep -qxF -- "$put_name"; then continue; fi
      put_found=$(printf "select g.variable_value from information_schema.global_variables g join information_schema.system_variables s using (variable_name)
 where g.variable_name = %s and s.read_only = 'NO';\n" "$(maria_literal "$put_name")" | maria_sql) || die "the server doesn't tell its $put_name"
      [ "$put_found" = "$put_value" ] || continue
      if put_to=$(maria_elsewhere "$put_name" "$put_value"); then
        case $put_to in *[!0-9]* | '') put_to=$(maria_literal "$put_to") ;; esac
      else
        put_to=default
      fi
      said=$(printf 'set session lock_wait_timeout = 10; set global %s = %s;\n' "$put_name" "$put_to" | maria_sql 2>&1) ||
        die "the server refuses $put_name = $put_to: $(maria_words "$said")"
      changed "$put_name = $put_to"
    done || exit 21
  fi
  maria_drop_in_put_back "$put_back_to" || die "$drop_in can't be written"
  changed "$drop_in: ${put_back_to:-removed}"
}

# maria_tls_remove: keys and certificates of ours go, unless our drop-in still names them. The server has them in memory until it restarts.
maria_tls_remove() {
  [ -d /etc/mysql/replform ] || return 0
  case $(maria_drop_in) in */etc/mysql/replform/*) return 0 ;; esac
  rm -rf --one-file-system -- /etc/mysql/replform || die "/etc/mysql/replform can't be removed"
  changed "removed /etc/mysql/replform"
}

# maria_put_back_stands NAMES: dies where our drop-in sets anything else.
maria_put_back_stands() {
  left=$(maria_drop_in | maria_names | while IFS= read -r name; do
    printf '%s\n' "$1" | grep -qxF -- "$name" || printf '%s ' "$name"
  done)
  [ -z "$left" ] || die "$drop_in still sets $left"
}

# maria_account_remove NAME BINLOG: an account of ours goes, and so do its connections: one that reads the binlog outlives its account.
# BINLOG 0: nothing of it is written to this server's binlog.
maria_account_remove() {
  account_hosts=$(printf 'select host from mysql.global_priv where user = %s;\n' "$(maria_literal "$1")" | maria_sql) || die "the server doesn't tell its accounts"
  if [ -n "$account_hosts" ]; then
    said=$(
      {
        printf 'set session lock_wait_timeout = 10;\nset session sql_log_bin = %s;\n' "$2"
        printf '%s\n' "$account_hosts" | while IFS= read -r account_host; do
          printf 'drop user if exists %s@%s;\n' "$(maria_literal "$1")" "$(maria_literal "$account_host")"
        done
      } | maria_sql 2>&1
    ) || die "the account $1 can't be dropped: $(maria_words "$said")"
    changed "dropped the account $1"
  fi
  said=$(printf 'kill user %s;\n' "$(maria_literal "$1")" | maria_sql 2>&1) || die "the connections of $1 can't be ended: $(maria_words "$said")"
}

# maria_account_is_gone NAME: dies where it is there.
maria_account_is_gone() {
  found=$(printf 'select count(*) from mysql.global_priv where user = %s;\n' "$(maria_literal "$1")" | maria_sql) || die "the server doesn't tell its accounts"
  [ "$found" = 0 ] || die "the account $1 is still there"
}
