# shellcheck shell=sh
# The MySQL part of a host's probe: packages, the one server that Debian's unit runs, and what it says about itself.
#
# Changes nothing, starts nothing, waits for nothing: each command is bounded, and a server that doesn't answer is a fact.
# Needs the variable `ports` (ports of interest, one a line); runs as root under dash, with coreutils, awk and the server's own
# client. Prints `KIND REST` lines that decode.rs reads, the last of them `end`; without it the probe was cut. No password leaves
# the host: of the channel's settings its password is never read, accounts are named without their hashes.
# shellcheck disable=SC2016 # dpkg-query expands its own format
# shellcheck disable=SC2154 # ports is set by replform
(
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset MYSQL_HOST MYSQL_PWD MYSQL_TCP_PORT MYSQL_UNIX_PORT MYSQL_HOME
cd /

my_host() {
  timeout 5 dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Status}\n' 'mysql-server*' 'mariadb-server*' 'percona-server-server*' \
    2>/dev/null | grep -v 'not-installed$'
  for n in mysqld mariadbd; do
    for pid in $(pidof "$n" 2>/dev/null); do echo "process $n $pid $(readlink "/proc/$pid/cwd")"; done
  done
  # One grep over all command lines (NUL-terminated words), the first two words only.
  timeout 3 grep -nzxE '(.*/)?(orchestrator|mysqlrouter|corosync|pacemakerd|proxysql)' /proc/[0-9]*/cmdline 2>/dev/null |
    tr '\0' '\n' | sed -nE 's|^/proc/([0-9]+)/cmdline:[12]:(.*/)?(.*)|manager process \3 pid \1|p'
  for f in /etc/orchestrator.conf.json /etc/corosync/corosync.conf; do
    [ -e "$f" ] && echo "manager file $f"
  done
  timeout 3 ip -o address show 2>/dev/null | awk '{ sub("/.*", "", $4); print "address " $4 }'
  for p in $ports; do
    awk -v port="$(printf ':%04X' "$p")" '$4 == "0A" && substr($2, length($2) - 4) == port { print "listening " n; exit }' \
      n="$p" /proc/net/tcp /proc/net/tcp6 2>/dev/null
  done
}

# What apt could install. A probe writes nothing: an ordinary user takes apt's cache where it is up to date and can't write it;
# where that user may not read the sources, root builds it in memory.
my_candidate() {
  said=$(timeout 6 setpriv --reuid=nobody --regid=nogroup --clear-groups apt-cache policy mysql-server 2>&1 </dev/null)
  case $said in
    '' | *W:* | *E:*) said=$(timeout 6 apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy mysql-server 2>/dev/null </dev/null) ;;
  esac
  printf '%s\n' "$said" | awk '$1 == "Candidate:" && $2 != "(none)" { print "candidate mysql-server " $2 }'
}

my_directory_size() { timeout 4 du -sb "$1" 2>/dev/null | sed -n 's|^\([0-9]*\).*|\1|p'; }

# The configuration files' word for an option; the last one wins.
my_option() {
  printf '%s\n' "$options" | awk -v wanted="$1" '{
    line = substr($0, 3); at = index(line, "="); name = at ? substr(line, 1, at - 1) : line
    gsub("-", "_", name)
    if (name == wanted) { value = at ? substr(line, at + 1) : ""; found = 1 }
  } END { if (found) print value }'
}

my_files() {
  options=$(timeout 5 my_print_defaults mysqld 2>/dev/null </dev/null)
  data=$(my_option datadir)
  data=${data:-/var/lib/mysql} data=${data%/}
  sock=$(my_option socket)
  sock=${sock:-/run/mysqld/mysqld.sock}
  port=$(my_option port)
  echo "port ${port:-3306}"
  echo "version $(timeout 5 /usr/sbin/mysqld --no-defaults --version 2>/dev/null </dev/null)"
  timeout 5 systemctl show -p LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts,MainPID mysql 2>/dev/null | sed 's|^|unit |'
  for o in bind_address server_id super_read_only read_only skip_replica_start gtid_mode enforce_gtid_consistency log_bin port datadir; do
    printf '%s\n' "$options" | grep -qE -- "^--$(printf '%s' "$o" | tr _ .)(=|$)" && echo "option $o=$(my_option $o)"
  done
  grep -vE '^(#|\[)' /etc/mysql/mysql.conf.d/zz-replform.cnf 2>/dev/null | sed 's|^|dropin |'
  # Files of the same directory that are read after ours.
  # shellcheck disable=SC2012 # names that mysqld reads are plain
  ls /etc/mysql/mysql.conf.d 2>/dev/null | awk '/\.cnf$/ && $0 > "zz-replform.cnf" { print "later " $0 }'
  echo "data $data"
  disk=$data
  while [ -n "$disk" ] && ! [ -d "$disk" ]; do disk=${disk%/*}; done
  timeout 3 df -B1 --output=size,avail,target "${disk:-/}" 2>/dev/null | sed -n '2s|^ *|disk |p'
  for f in "$data".replform-* /var/lib/mysql-files/*.replform-copy "$data"/.replform-[0-9]* "$data/.replform-copy"; do [ -d "$f" ] && echo "aside $(my_directory_size "$f") $f"; done
  mounted=no note=/var/lib/mysql-files/mysql.replform-copy.verified
  if mountpoint -q "$data" 2>/dev/null; then mounted=yes note=$data/.replform-copy.verified; fi
  [ -e "$note" ] && echo 'verified yes'
  sed -n '2s/^/waits source /p;3s/^/waits executed /p' "$note" 2>/dev/null
  [ -e /var/lib/replform/making.mysql ] && echo 'making yes'
  if ! [ -d /var/lib/mysql-files ] || [ "$(stat -c %U /var/lib/mysql-files)" != mysql ]; then
    echo 'copyplace missing'
  elif [ "$mounted" = no ] && [ "$(stat -c %d /var/lib/mysql-files)" != "$(stat -c %d "${data%/*}" 2>/dev/null)" ]; then
    echo 'copyplace elsewhere'
  else
    echo 'copyplace good'
  fi
  if [ -L "$data" ]; then echo 'place symlink'; elif mountpoint -q "$data" 2>/dev/null; then echo 'place mount'; fi
  if ! [ -d "$data" ]; then echo 'missing directory'; return 0; fi
  # A swap that was cut off moves what may go and what is a checked copy: nothing in it is anybody's data.
  if [ -s "$data/.replform-swap" ]; then echo 'missing content'; return 0; fi
  if ! [ -e "$data/mysql.ibd" ]; then
    if [ -z "$(find "$data" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name '.replform-*' 2>/dev/null | head -n 1)" ]; then echo 'missing content'; else echo 'missing mysql.ibd'; fi
  fi
  sed -n 's/^server-uuid=/uuid /p' "$data/auto.cnf" 2>/dev/null
  sed -n 's/^donor=/copyof /p' "$data/replform.copy" 2>/dev/null
  # A schema is a directory, a tablespace of its own a file: readable of a stopped server too.
  timeout 8 du -b --max-depth=1 -- "$data" 2>/dev/null | awk -F '\t' -v data="$data" '
    $2 == data { print "size " $1; next }
    { name = substr($2, length(data) + 2) }
    name != "mysql" && name != "sys" && name != "performance_schema" && name !~ /^#/ && name !~ /^\.replform-/ && name != "lost+found" && ++count <= 200 { print "schema " $1 " " name }'
  find "$data" -mindepth 1 -maxdepth 1 -name '*.ibd' ! -name mysql.ibd -printf 'tablespace %f\n' 2>/dev/null | head -n 20
}

# Asks the server. Lines that aren't rows are what went wrong. After the row `core` all rows are known that plans rest on; the rest
# may fail one by one.
my_ask() {
  [ -x /usr/bin/mysql ] || return 0
  pidof mysqld >/dev/null 2>&1 || return 0
  t0=$(date +%s%N)
  timeout -k 1 12 mysql --no-defaults --protocol=socket -S "$sock" -u root --connect-timeout=3 --force -N -B -r <<'SQL' 2>&1 |
set session max_execution_time = 4000, lock_wait_timeout = 2, group_concat_max_len = 1000000, sql_mode = '';
select concat('sql state ', json_object('version', @@version, 'comment', @@version_comment, 'uuid', @@server_uuid, 'port', @@port, 'datadir', @@datadir,
 'executed', replace(@@global.gtid_executed, '\n', ''), 'purged', replace(@@global.gtid_purged, '\n', ''), 'now', unix_timestamp(now(6)),
 'uptime', (select variable_value from performance_schema.global_status where variable_name = 'Uptime'),
 'tls', (select count(*) from performance_schema.tls_channel_status where property = 'Enabled' and value = 'Yes' and channel = 'mysql_main'),
 'bytes', (select sum(file_size) from information_schema.innodb_tablespaces)));
select concat('sql set ', json_object('name', variable_name, 'value', variable_value)) from performance_schema.global_variables where variable_name in
 ('server_id','bind_address','read_only','super_read_only','gtid_mode','enforce_gtid_consistency','log_bin','log_replica_updates','binlog_format',
  'binlog_expire_logs_seconds','sync_binlog','innodb_flush_log_at_trx_commit','skip_replica_start','require_secure_transport','innodb_page_size',
  'innodb_data_file_path','lower_case_table_names','character_set_server','collation_server','offline_mode','default_table_encryption','event_scheduler','skip_networking','ssl_ca','ssl_cert','ssl_key');
select concat('sql persisted ', json_object('name', variable_name, 'value', variable_value)) from performance_schema.persisted_variables;
select concat('sql channel ', json_object('name', c.channel_name, 'host', c.host, 'port', c.port, 'user', c.user, 'auto_position', c.auto_position,
 'failover', c.source_connection_auto_failover, 'connection', s.service_state, 'errno', s.last_error_number, 'error', s.last_error_message, 'source', s.source_uuid,
 'received', replace(s.received_transaction_set, '\n', ''),
 'verified_by', if(c.ssl_allowed = 'YES', if(c.ssl_verify_server_certificate = 'YES', c.ssl_ca_file, 'nobody'), ''))) from performance_schema.replication_connection_configuration c
 join performance_schema.replication_connection_status s using (channel_name);
select concat('sql applier ', json_object('name', a.channel_name, 'state', a.service_state)) from performance_schema.replication_applier_status a;
select concat('sql applyerror ', json_object('name', channel_name, 'errno', last_error_number, 'error', last_error_message))
 from performance_schema.replication_applier_status_by_coordinator where last_error_number > 0;
select concat('sql applyerror ', json_object('name', channel_name, 'errno', last_error_number, 'error', last_error_message))
 from performance_schema.replication_applier_status_by_worker where last_error_number > 0 limit 3;
select concat('sql lag ', json_object('name', channel_name, 'seconds', max(seconds))) from
 (select channel_name, if(applying_transaction <> '', timestampdiff(microsecond, applying_transaction_original_commit_timestamp, now(6)) / 1e6, 0) seconds
 from performance_schema.replication_applier_status_by_worker union all
 select channel_name, ifnull(c.desired_delay - s.remaining_delay, 0)
 from performance_schema.replication_applier_status s join performance_schema.replication_applier_configuration c using (channel_name)) seen group by channel_name;
select concat('sql down ', json_object('user', processlist_user, 'host', processlist_host, 'command', processlist_command, 'state', processlist_state,
 'tls', connection_type)) from performance_schema.threads where processlist_command like 'Binlog Dump%' or processlist_command like 'Clone%';
select concat('sql account ', json_object('user', user, 'host', host, 'plugin', plugin, 'locked', account_locked,
 'requires', if(ssl_type = 'SPECIFIED', convert(x509_subject using utf8mb4), ssl_type))) from mysql.user where user like 'replform\_%';
select concat('sql plugin ', json_object('name', plugin_name, 'status', plugin_status)) from information_schema.plugins
 where plugin_name in ('clone', 'group_replication', 'ndbcluster', 'rpl_semi_sync_source', 'rpl_semi_sync_replica') or plugin_type = 'KEYRING';
select concat('sql member ', json_object('state', member_state, 'role', member_role)) from performance_schema.replication_group_members where member_id <> '';
select concat('sql filter ', json_object('name', filter_name, 'rule', filter_rule)) from performance_schema.replication_applier_global_filters;
select concat('sql people ', json_object('schemas', (select count(*) from information_schema.schemata
 where schema_name not in ('mysql', 'sys', 'performance_schema', 'information_schema')),
 'accounts', (select count(*) from mysql.user where user not in ('root', 'debian-sys-maint', 'mysql.infoschema', 'mysql.session', 'mysql.sys') and user not like 'replform\_%')));
select 'sql core true';
select concat('sql schema ', json_object('name', schema_name, 'bytes', (select ifnull(sum(file_size), 0) from information_schema.innodb_tablespaces
 where name like concat(replace(replace(schema_name, '_', '\\_'), '%', '\\%'), '/%')))) from information_schema.schemata
 where schema_name not in ('mysql', 'sys', 'performance_schema', 'information_schema');
select concat('sql engine ', json_object('engine', engine, 'tables', count(*), 'example', min(concat(table_schema, '.', table_name)))) from information_schema.tables
 where engine is not null and engine not in ('InnoDB', 'PERFORMANCE_SCHEMA', 'MEMORY') and table_type = 'BASE TABLE'
 and table_schema not in ('mysql', 'information_schema', 'performance_schema', 'sys') group by engine;
select concat('sql keyless ', json_object('tables', count(*), 'example', min(concat(t.table_schema, '.', t.table_name)))) from information_schema.tables t
 where t.table_type = 'BASE TABLE' and t.table_schema not in ('mysql', 'information_schema', 'performance_schema', 'sys') and not exists (select 1
 from information_schema.table_constraints c where c.table_schema = t.table_schema and c.table_name = t.table_name and c.constraint_type = 'PRIMARY KEY') having count(*) > 0;
select concat('sql outside ', json_object('path', d.path)) from information_schema.innodb_datafiles d where d.path like '/%' limit 5;
select concat('sql encrypted ', json_object('tables', count(*))) from information_schema.innodb_tablespaces where encryption = 'Y' having count(*) > 0;
select concat('sql managed ', json_object('schema', schema_name)) from information_schema.schemata where schema_name in ('mysql_innodb_cluster_metadata', 'orchestrator');
select 'sql done true';
SQL
    sed '/^sql /!s|^|sqlerror |'
  timeout 5 mysql --no-defaults --protocol=socket -S "$sock" -u root --connect-timeout=2 -N -B -e 'show binary logs' 2>/dev/null |
    awk '{ n++; s += $2 } END { if (n) printf "binlogs %d %.0f\n", n, s }'
  oldest=$(head -n 1 "$data/binlog.index" 2>/dev/null)
  [ -n "$oldest" ] && stat -c 'binlogage %Y' "$data/${oldest##*/}" 2>/dev/null
  timeout 5 mysql --no-defaults --protocol=socket -S "$sock" -u root --connect-timeout=2 -N -B -e 'show binary log status' 2>/dev/null |
    awk -F '\t' 'NR == 1 && ($3 != "" || $4 != "") { print "binlogfilter " ($3 != "" ? "only " $3 : "without " $4) }'
  echo "asked $((($(date +%s%N) - t0) / 1000000))"
}

my_host
if [ -x /usr/sbin/mysqld ]; then
  my_files
  my_ask
  [ "$(timeout 3 systemctl is-active mysql 2>/dev/null)" = active ] ||
    tail -c 20000 /var/log/mysql/error.log 2>/dev/null | grep -F '[ERROR]' | tail -n 2 | sed -E 's/^[^ ]+ +[0-9]+ \[ERROR\] /log /'
fi
[ -x /usr/sbin/mysqld ] || my_candidate
echo end
)
