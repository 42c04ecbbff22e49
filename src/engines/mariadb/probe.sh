# shellcheck shell=sh
# The MariaDB part of a host's probe: packages, the one server of Debian's package, what it says about itself.
#
# Changes nothing, starts nothing (a server that is down isn't connected to: mariadb.socket would start it), waits for nothing:
# each command is bounded, and a server that doesn't answer is a fact. Needs the variable `ports` (ports of interest, one a
# line); runs as root under dash, with coreutils, awk and the server's own client. Prints `KIND REST` lines that decode.rs
# reads, the last of them `end`; without it the probe was cut. No password and no statement of anybody's leaves the host.
# shellcheck disable=SC2016 # dpkg-query expands its own format
# shellcheck disable=SC2154 # ports is set by replform
(
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root MYSQL_HISTFILE=/dev/null
cd /

maria_host() {
  timeout 5 dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Status}\n' 'mariadb-server*' mariadb-backup socat \
    'mariadb-plugin-*' 'mysql-server*' 'mysql-community-server*' 'percona-server-server*' 2>/dev/null | grep -v 'not-installed$'
  timeout 5 systemctl list-units --no-legend --plain --state=active 'maxscale*' 'replication-manager*' 'mysqlrouter*' 'orchestrator*' \
    'pacemaker*' 'corosync*' 'garb*' 2>/dev/null | sed -n 's/^\([^ ]*\) .*/manager unit \1/p'
  for f in /etc/maxscale.cnf /etc/replication-manager/config.toml /etc/orchestrator.conf.json /etc/corosync/corosync.conf; do
    [ -e "$f" ] && echo "manager file $f"
  done
  for f in /proc/[0-9]*/exe; do
    case $(readlink "$f" 2>/dev/null) in
      */mariadbd | */mariadbd\ * | */mysqld | */mysqld\ *) f=${f%/exe} && echo "process ${f#/proc/} $(readlink "$f/exe")" ;;
    esac
  done
  for p in $ports; do
    awk -v port="$(printf ':%04X' "$p")" -v n="$p" '$4 == "0A" && substr($2, length($2) - 4) == port { print "listen " n " " substr($2, 1, length($2) - 5) }' \
      /proc/net/tcp /proc/net/tcp6 2>/dev/null
  done
}

# What apt could install. A probe writes nothing: an ordinary user takes apt's cache where it is up to date and can't write it;
# where that user may not read the sources, root builds it in memory.
maria_candidates() {
  set -- policy mariadb-server mariadb-backup socat mariadb-plugin-provider-bzip2 mariadb-plugin-provider-lz4 mariadb-plugin-provider-lzma \
    mariadb-plugin-provider-lzo mariadb-plugin-provider-snappy mariadb-plugin-rocksdb
  said=$(timeout 6 setpriv --reuid=nobody --regid=nogroup --clear-groups apt-cache "$@" 2>&1 </dev/null)
  case $said in
    '' | *W:* | *E:*) said=$(timeout 6 apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@" 2>/dev/null </dev/null) ;;
  esac
  printf '%s\n' "$said" |
    awk '/^[a-z]/ { sub(":$", "", $1); name = $1 } $1 == "Candidate:" && $2 != "(none)" { print "candidate " name " " $2 }'
}

maria_option() { printf '%s\n' "$options" | sed -n "s/^$1=//p" | tail -n 1; }

# The names that matter, as the files give them, in order: the last one wins.
maria_files() {
  options=$(timeout 5 my_print_defaults --mariadbd 2>/dev/null </dev/null | sed -nE 's/^--(loose-)?//p' |
    awk '{ at = index($0, "="); name = at ? substr($0, 1, at - 1) : $0; rest = at ? substr($0, at) : ""; gsub(/-/, "_", name); print tolower(name) rest }')
  data=$(maria_option datadir) && data=${data:-/var/lib/mysql} && data=${data%/}
  sock=$(maria_option socket) && sock=${sock:-/run/mysqld/mysqld.sock}
  port=$(maria_option port)
  echo "port ${port:-3306}"
  echo "data $data"
  printf '%s\n' "$options" | sed -nE 's/^(server_id|log_bin|log_slave_updates|binlog_format|gtid_strict_mode|sync_binlog|read_only|bind_address|skip_slave_start|skip_networking|relay_log|slave_net_timeout)(=|$)/option \1 /p'
  [ -d /etc/mysql/mariadb.conf.d ] && echo 'include yes'
  sed -E '/^(#|\[|$)/d;s/^/dropin /' /etc/mysql/mariadb.conf.d/99-replform.cnf 2>/dev/null
  # Files that are read after ours.
  for f in /etc/mysql/mariadb.conf.d/*.cnf; do
    [ -e "$f" ] && [ "$(printf '%s\n99-replform.cnf\n' "${f##*/}" | sort | tail -n 1)" != 99-replform.cnf ] &&
      tr - _ <"$f" | sed -nE "s#^[[:space:]]*(server_id|log_bin|log_slave_updates|binlog_format|gtid_strict_mode|sync_binlog|read_only|bind_address)[[:space:]]*(=.*)?\$#later \1 $f#p"
  done
  [ -s /etc/mysql/replform.client ] && echo 'login yes'
  timeout 5 systemctl show -p LoadState,ActiveState,SubState,UnitFileState mariadb.service 2>/dev/null | sed 's/^/unit /'
  timeout 5 systemctl show -p LoadState,ActiveState,UnitFileState mariadb.socket 2>/dev/null | sed 's/^/socket /'
}

maria_size() { timeout 4 du -sb "$@" 2>/dev/null | sed -n 's|^\([0-9]*\).*|\1|p'; }

maria_schemas() {
  find "$1" -mindepth 1 -maxdepth 1 -type d ! -name mysql ! -name performance_schema ! -name sys ! -name 'lost+found' ! -name '#*' -printf '%f\n' 2>/dev/null | sort
}

# Whether nobody changed an account or a routine since the system tables were made, by the times of their files.
maria_is_untouched() {
  made_at=$(stat -c %Y -- "$1/mysql/db.frm" 2>/dev/null) || return 1
  for f in global_priv db tables_priv columns_priv procs_priv proxies_priv roles_mapping proc event servers; do
    [ "$(stat -c %Y -- "$1/mysql/$f.MAD" 2>/dev/null || echo 9999999999)" -le $((made_at + 300)) ] || return 1
  done
}

maria_data() {
  disk=$data
  while [ -n "$disk" ] && ! [ -d "$disk" ]; do disk=${disk%/*}; done
  timeout 3 df -B1 --output=size,avail,target "${disk:-/}" 2>/dev/null | sed -n '2s|^ *|disk |p'
  sed -n '2s/^/verified source /p;3s/^/verified gtid /p' "$data.replform-copy.verified" 2>/dev/null
  for f in "$data".replform-*; do [ -d "$f" ] && echo "aside $(maria_size "$f") $f"; done
  if [ -L "$data" ]; then echo 'place symlink'; elif mountpoint -q "$data" 2>/dev/null; then echo 'place mount'; fi
  if ! [ -d "$data" ]; then echo 'missing directory'; return 0; fi
  if [ -z "$(ls -A "$data" 2>/dev/null)" ]; then echo 'missing content'; return 0; fi
  [ -e "$data/ibdata1" ] || echo 'missing ibdata1'
  echo "size $(maria_size "$data")"
  # What a copy moves: not the logs, nor what a start makes anew.
  echo "stream $(maria_size --exclude='*-bin.[0-9]*' --exclude='*-bin.index' --exclude='*-bin.state' --exclude=ibtmp1 --exclude='ib_logfile*' "$data")"
  maria_schemas "$data" | while IFS= read -r f; do echo "schemadir $(maria_size "$data/$f") $f"; done
  echo "identity $(maria_schemas "$data" | sha256sum | cut -c 1-32)"
  maria_is_untouched "$data" && echo 'untouched yes'
  [ -s "$data/master.info" ] && echo "masterinfo $(sed -n '4p' "$data/master.info") $(sed -n '7p' "$data/master.info")"
  sed 's/^/copy /' "$data/replform.copy" 2>/dev/null
  sed 's/^/linked /' "$data/replform.linked" 2>/dev/null
  return 0
}

# maria_client LOGIN…: SQL from standard input; what isn't a row is what went wrong.
maria_client() {
  timeout -k 1 "$limit" "$client" "$@" --protocol=socket --socket="$sock" --connect-timeout=3 --batch "${names:---skip-column-names}" --force 2>&1
}

maria_ask() {
  client=$(command -v mariadb || command -v mysql) || { echo 'error this host has no MariaDB client'; return 0; }
  # Not while it is down: the socket would start it. A start or a stop is waited for by nobody.
  active=$(timeout 5 systemctl show -p ActiveState --value mariadb.service 2>/dev/null)
  case $active in
    active | reloading) ;;
    *) return 0 ;;
  esac
  t0=$(date +%s%N) limit=5 login=''
  for try in '--no-defaults --user=root' '--defaults-file=/root/.my.cnf' '--defaults-file=/etc/mysql/debian.cnf'; do
    # shellcheck disable=SC2086 # words
    said=$(echo 'select 1;' | maria_client $try)
    if [ "$said" = 1 ]; then login=$try; break; fi
    case $said in *'Access denied'*) ;; *) break ;; esac
  done
  if [ -z "$login" ]; then
    printf '%s\n' "${said:-no answer}" | head -n 2 | sed 's/^/error /'
  else
    echo "rootlogin ${login##*=}"
    limit=10
    # shellcheck disable=SC2086 # words
    maria_questions | maria_client $login | sed '/^\(row\|core\|done\) /!s/^/error /;s/^row //'
    limit=5
    # shellcheck disable=SC2086 # words
    echo 'show all slaves status;' | names=--column-names maria_client $login --vertical |
      sed -nE 's/^\*+ .*row.*/slave row/p;s/^ *(Connection_name|Slave_IO_Running|Slave_SQL_Running|Slave_IO_State|Master_Host|Master_User|Master_Port|Last_IO_Errno|Last_IO_Error|Last_SQL_Errno|Last_SQL_Error|Seconds_Behind_Master|Using_Gtid|Gtid_IO_Pos|Master_SSL_Allowed|Master_SSL_CA_File|Master_SSL_Verify_Server_Cert|SQL_Delay|Replicate_[A-Za-z_]*|Exec_Master_Log_Pos|Read_Master_Log_Pos|Relay_Log_Space|Master_Server_Id): (.*)/slave \1 \2/p'
    # shellcheck disable=SC2086 # words
    binlogs=$(echo 'show binary logs;' | maria_client $login | grep -v ERROR)
    if [ -n "$binlogs" ]; then
      printf '%s\n' "$binlogs" | awk -F '\t' '{ n++; s += $2 } NR == 1 { f = $1 } END { printf "binlogs %d %.0f %s\n", n, s, f }'
      first=$(printf '%s\n' "$binlogs" | head -n 1 | cut -f 1)
      # shellcheck disable=SC2086 # words
      printf "show binlog events in '%s' limit 3;\n" "$first" | maria_client $login | awk -F '\t' '$3 == "Gtid_list" { print "oldest " $6 }'
    fi
    # shellcheck disable=SC2086 # words
    echo 'show slave hosts;' | maria_client $login | awk -F '\t' '$1 ~ /^[0-9]+$/ { print "slavehost " $1 " " $2 }'
    echo 'slave end'
  fi
  echo "asked $((($(date +%s%N) - t0) / 1000000))"
}

# After the row `core` all is known that plans rest on; the rest may fail one by one (many tables, a slow disk).
maria_questions() {
  cat <<'SQL'
set session max_statement_time = 4, lock_wait_timeout = 2, sql_log_off = 1;
select concat_ws(' ', 'row version', @@version, @@version_comment);
select concat_ws(' ', 'row host', @@hostname);
select concat_ws(' ', 'row var', lower(variable_name), variable_value) from information_schema.global_variables where variable_name in
 ('server_id','server_uid','gtid_domain_id','gtid_strict_mode','gtid_slave_pos','gtid_binlog_pos','gtid_binlog_state','log_bin','log_slave_updates',
 'binlog_format','expire_logs_days','binlog_expire_logs_seconds','max_binlog_total_size','slave_connections_needed_for_purge','sync_binlog',
 'innodb_flush_log_at_trx_commit','read_only','port','bind_address','skip_networking','have_ssl','ssl_ca','ssl_cert','ssl_key','require_secure_transport','datadir','wsrep_on',
 'innodb_page_size','lower_case_table_names','innodb_data_file_path','innodb_undo_tablespaces','relay_log','slave_net_timeout',
 'tmpdir','innodb_buffer_pool_size','skip_slave_start','plugin_maturity','innodb_data_home_dir','innodb_log_group_home_dir','innodb_undo_directory');
select concat_ws(' ', 'row status', lower(variable_name), variable_value) from information_schema.global_status where variable_name in
 ('uptime','binlog_bytes_written','wsrep_cluster_size','wsrep_local_state_comment');
select concat_ws(' ', 'row now', unix_timestamp(now(3)));
select concat_ws(' ', 'row down', id, user, host, time, ifnull(state,'')) from information_schema.processlist where command like 'Binlog Dump%';
select concat_ws(' ', 'row account', user, host, case ifnull(json_value(priv, '$.ssl_type'), 0) when 1 then 'ANY' when 2 then 'X509'
 when 3 then json_value(priv, '$.x509_subject') end) from mysql.global_priv where user like 'replform\_%';
select concat_ws(' ', 'row writes', grantee) from information_schema.user_privileges where privilege_type in ('READ_ONLY ADMIN', 'READ ONLY ADMIN');
select concat_ws(' ', 'row schema', schema_name) from information_schema.schemata
 where schema_name not in ('mysql','information_schema','performance_schema','sys');
select concat_ws(' ', 'row people', (select count(*) from mysql.global_priv where user not in
 ('root','mysql','mariadb.sys','debian-sys-maint','PUBLIC','') and user not like 'replform\_%'), (select count(*) from mysql.event));
select concat_ws(' ', 'row manager account', user) from mysql.global_priv where user like 'maxscale%' or user like 'orchestrator%' or user like 'replication-manager%';
select concat_ws(' ', 'row plugin', plugin_name) from information_schema.plugins where plugin_library is not null and plugin_status = 'ACTIVE';
select concat_ws(' ', 'row longest', ifnull(max(timestampdiff(second, trx_started, now())), 0)) from information_schema.innodb_trx;
select 'core yes';
select concat_ws(' ', 'row engine', engine, count(*), min(concat(table_schema, '.', table_name))) from information_schema.tables where table_type = 'BASE TABLE'
 and table_schema not in ('mysql','information_schema','performance_schema','sys') group by engine;
select concat_ws(' ', 'row bytes', table_schema, ifnull(sum(data_length + index_length), 0)) from information_schema.tables where table_type = 'BASE TABLE'
 and table_schema not in ('mysql','information_schema','performance_schema','sys') group by table_schema;
select concat_ws(' ', 'row keyless', count(*), min(concat(t.table_schema, '.', t.table_name))) from information_schema.tables t
 left join information_schema.table_constraints c on c.table_schema = t.table_schema and c.table_name = t.table_name and c.constraint_type in ('PRIMARY KEY','UNIQUE')
 where t.table_type = 'BASE TABLE' and c.constraint_name is null and t.table_schema not in ('mysql','information_schema','performance_schema','sys');
select 'done yes';
SQL
}

maria_host
installed=no
if [ -x /usr/sbin/mariadbd ] && command -v my_print_defaults >/dev/null; then
  installed=yes
  maria_files
  maria_data
  maria_ask
else
  # Data without a server: somebody removed the package.
  data=/var/lib/mysql
  maria_data | sed -n '/^\(missing\|size\|disk\|schemadir\) /s/^/left /p'
fi
tools=$(dpkg-query -W -f '${db:Status-Status}\n' mariadb-backup socat 2>/dev/null | grep -cx installed)
if [ "$installed" != yes ] || [ "$tools" != 2 ]; then maria_candidates; fi
echo end
)
