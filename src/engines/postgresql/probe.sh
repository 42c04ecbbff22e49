# shellcheck shell=sh
# The PostgreSQL part of a host's probe: packages, clusters, and what each cluster of interest says about itself.
#
# Changes nothing, starts nothing, waits for nothing: each command is bounded, and a server that doesn't answer is a fact.
# Needs the variable `ports` (ports of interest, one a line); runs as root under dash, with coreutils, awk and the
# cluster's own psql. Prints `KIND CLUSTER REST` lines that decode.rs reads, the last of them `end`; without it the
# probe was cut. No password leaves the host: connection strings are masked here, commands are named, not shown.
# shellcheck disable=SC2016 # dpkg-query expands its own format
# shellcheck disable=SC2154 # ports is set by replform
(
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin PGCLIENTENCODING=UTF8 PGCONNECT_TIMEOUT=3
export PGOPTIONS='-c statement_timeout=4000 -c lock_timeout=1000 -c application_name=replform_probe -c client_min_messages=warning -c lc_messages=C'
unset PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGSERVICE PGSSLMODE
cd /

pg_wanted() { case "
$ports
" in *"
$1
"*) return 0 ;; *) return 1 ;; esac }

pg_host() {
  timeout 5 dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Status}\n' 'postgresql-[0-9]*' postgresql-common 'libicu[0-9]*' \
    repmgr-common patroni pg-auto-failover-cli 2>/dev/null | grep -v 'not-installed$'
  echo "libc $(getconf GNU_LIBC_VERSION 2>/dev/null)"
  # One grep over all command lines (NUL-terminated words), the first two words only: Patroni is python's argument.
  timeout 3 grep -nzxE '(.*/)?(patroni|repmgrd|pg_autoctl|stolon-keeper|corosync|pacemakerd)' /proc/[0-9]*/cmdline 2>/dev/null |
    tr '\0' '\n' | sed -nE 's|^/proc/([0-9]+)/cmdline:[12]:(.*/)?(.*)|manager process \3 pid \1|p'
  for f in /etc/patroni/*.yml /etc/repmgr.conf /etc/postgresql/*/*/repmgr.conf /etc/corosync/corosync.conf; do
    [ -e "$f" ] && echo "manager file $f"
  done
  for p in $ports; do
    awk -v port="$(printf ':%04X' "$p")" '$4 == "0A" && substr($2, length($2) - 4) == port { print "listening " n; exit }' \
      n="$p" /proc/net/tcp /proc/net/tcp6 2>/dev/null
  done
}

# What apt could install, asked only when a port of interest has no cluster. A probe writes nothing: an ordinary user takes
# apt's cache where it is up to date and can't write it; where that user may not read the sources, root builds it in memory.
pg_candidates() {
  set -- policy postgresql-13 postgresql-14 postgresql-15 postgresql-16 postgresql-17 postgresql-18 postgresql-19 postgresql-20
  said=$(timeout 6 setpriv --reuid=nobody --regid=nogroup --clear-groups apt-cache "$@" 2>&1 </dev/null)
  case $said in
    '' | *W:* | *E:*) said=$(timeout 6 apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@" 2>/dev/null </dev/null) ;;
  esac
  printf '%s\n' "$said" |
    awk '/^postgresql-/ { sub(":$", "", $1); name = $1 } $1 == "Candidate:" && $2 != "(none)" { print "candidate " name " " $2 }'
}

pg_directory_size() { timeout 4 du -sb "$1" 2>/dev/null | sed -n "s|^\([0-9]*\).*|\1|p"; }

# The setting of a stopped cluster's configuration; $1 name.
pg_config() {
  if [ -x "$b/postgres" ]; then
    timeout 3 runuser -u "$owner" -- "$b/postgres" -C "$1" -c "config_file=$d/postgresql.conf" 2>/dev/null
  else
    sed -nE "s/^[[:space:]]*$1[[:space:]]*=?[[:space:]]*'?([^'#]*[^'# ])'?.*/\1/p" "$d/postgresql.conf" | tail -n 1
  fi
}

pg_clusters() {
  for conf in /etc/postgresql/*/*/postgresql.conf; do
    [ -e "$conf" ] || continue
    d=${conf%/*} c=${conf%/*} c=${c##*/} v=${conf%/*/*} v=${v##*/} b=/usr/lib/postgresql/${v}/bin k="$v/$c"
    owner=$(stat -c %U "$conf")
    data=$(pg_config data_directory)
    pid='' port='' status=down sock=''
    if [ -n "$data" ] && [ -r "$data/postmaster.pid" ]; then
      { read -r pid && read -r _ && read -r _ && read -r port && read -r sock && read -r _ && read -r _ && read -r status; } \
        <"$data/postmaster.pid"
      if ! grep -qs postgres "/proc/$pid/comm"; then status=stale-pidfile port=; fi
    fi
    [ -n "$port" ] || port=$(pg_config port)
    echo "cluster $k ${port:-0}"
    echo "process $k ${pid:-0} ${status:-starting}"
    [ -n "$data" ] && echo "data $k $data"
    if pg_wanted "$port"; then found="$found $port "; pg_files; pg_ask; fi
  done
}

pg_files() {
  echo "owner $k $owner"
  timeout 5 systemctl show -p LoadState,ActiveState,SubState,UnitFileState "postgresql@$v-$c" 2>/dev/null | sed "s|^|unit $k |"
  sed -n "/^[a-z]/{s|^|start $k |p;q}" "$d/start.conf" 2>/dev/null
  grep -qsE "^[[:space:]]*include_dir[[:space:]]*=?[[:space:]]*'conf.d'" "$d/postgresql.conf" && echo "include $k conf.d"
  for f in "$d"/conf.d/*.conf; do [ -e "$f" ] && echo "confd $k ${f##*/}"; done
  sed "/^#/d;s/password *=.*/password=***/;s|^|dropin $k |" "$d/conf.d/90-replform.conf" 2>/dev/null
  sed -n "/^# replform begin /,/^# replform end /s|^|hbablock $k |p" "$d/pg_hba.conf" 2>/dev/null
  [ -s "$d/replform.pgpass" ] && echo "passfile $k yes"
  disk=$data
  while [ -n "$disk" ] && ! [ -d "$disk" ]; do disk=${disk%/*}; done
  timeout 3 df -B1 --output=size,avail,target "${disk:-/}" 2>/dev/null | sed -n "2s|^ *|disk $k |p"
  [ -n "$data" ] || return 0
  for f in "$data".replform-*; do [ -d "$f" ] && echo "aside $k $(pg_directory_size "$f") $f"; done
  if [ -e "$data.replform-copy.verified" ]; then
    # The manifest's end says up to where the copy has log.
    end=$(tail -c 2000 "$data.replform-copy/backup_manifest" 2>/dev/null | sed -n 's/.*"End-LSN": *"\([0-9A-F/]*\)".*/\1/p' | tail -n 1)
    echo "verified $k ${end:-yes}"
  fi
  # A stopped server's files say what it would start with.
  case $status in
    down | stale-pidfile)
      for name in listen_addresses primary_slot_name max_connections max_locks_per_transaction max_prepared_transactions \
        max_wal_senders max_worker_processes; do
        value=$(pg_config "$name") && [ -n "$value" ] && echo "configured $k $name=$value"
      done
      ;;
  esac
  if [ -L "$data" ]; then echo "place $k symlink"; elif mountpoint -q "$data" 2>/dev/null; then echo "place $k mount"; fi
  if ! [ -d "$data" ]; then echo "missing $k directory"; return 0; fi
  if ! [ -e "$data/PG_VERSION" ]; then
    if [ -z "$(ls -A "$data" 2>/dev/null)" ]; then echo "missing $k content"; else echo "missing $k PG_VERSION"; fi
  fi
  for f in standby.signal recovery.signal backup_label tablespace_map; do [ -e "$data/$f" ] && echo "signal $k $f"; done
  echo "size $k data $(pg_directory_size "$data")"
  echo "size $k wal $(pg_directory_size "$data/pg_wal/")"
  for f in "$data"/pg_tblspc/*; do [ -e "$f" ] && echo "spacelink $k $(readlink "$f")"; done
  timeout 5 "$b/pg_controldata" "$data" 2>/dev/null | sed -nE "s#^(Database system identifier|Database cluster state|Latest checkpoint location|\
Latest checkpoint's (TimeLineID|NextOID)|Minimum recovery ending location|wal_level setting|wal_log_hints setting|max_.* setting|\
Data page checksum version): *#control $k \1=#p"
  for h in "$data"/pg_wal/*.history; do
    [ -e "$h" ] && awk -v k="$k" -v f="${h##*/}" 'NF > 1 && $1 ~ /^[0-9]+$/ { print "history", k, substr(f, 1, 8), $1, $2 }' "$h"
  done
  sed -nE "s/^[[:space:]]*(primary_conninfo|primary_slot_name|restore_command|recovery_[a-z_]+)[[:space:]]*=.*/auto $(echo "$k" | sed 's|/|\\/|') \1/p" \
    "$data/postgresql.auto.conf" 2>/dev/null
  # Why a standby isn't connected stands in its log only; it tries again every 5 s.
  [ -e "$data/standby.signal" ] && tail -c 30000 "/var/log/postgresql/postgresql-$v-$c.log" 2>/dev/null |
    sed -nE 's/^.* (FATAL|ERROR|WARNING):  ((could not (connect|receive|start)|highest timeline|requested (timeline|WAL|starting)|database system id|\
recovery aborted|hot standby is not possible|password|invalid|connection to server|timeline|directory).{0,300}).*/\1:  \2/p' | uniq | tail -n 2 | sed "s|^|said $k |"
}

# Asks the server. Lines that aren't rows are what went wrong. After the row `core` all rows are known that plans rest on;
# the rest may fail one by one (a slow disk, an older version).
pg_ask() {
  case $status in down | stale-pidfile) return 0 ;; esac
  [ -x "$b/psql" ] || return 0
  t0=$(date +%s%N)
  timeout -k 1 8 runuser -u "$owner" -- "$b/psql" -X -q -w -At -h "${sock:-/var/run/postgresql}" -p "$port" -d postgres -v k="$k" <<'SQL' 2>&1 |
\pset fieldsep ' '
\set ON_ERROR_STOP on
select 'sql',:'k','state',row_to_json(x) from (select current_setting('server_version') version, pg_is_in_recovery() recovery,
 case when pg_is_in_recovery() then null else pg_current_wal_lsn() end lsn, pg_last_wal_receive_lsn() receive, pg_last_wal_replay_lsn() replay,
 case when pg_is_in_recovery() then pg_is_wal_replay_paused() end paused,
 extract(epoch from now()) now, extract(epoch from pg_last_xact_replay_timestamp()) last_xact,
 extract(epoch from pg_postmaster_start_time()) started,
 (select system_identifier::text from pg_control_system()) sysid, (select timeline_id from pg_control_checkpoint()) tli_checkpoint,
 case when pg_is_in_recovery() then null else ('x'||substr(pg_walfile_name(pg_current_wal_lsn()),1,8))::bit(32)::int end tli,
 (select min(substr(name,9)) from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$') oldest_wal,
 (select count(*) from pg_prepared_xacts) prepared) x;
select 'sql',:'k','set',row_to_json(x) from (select name,case when not name = any(asked) then '' when name in ('archive_command','restore_command') and setting not in ('','(disabled)')
 then case when setting ~ '^[^=\s]+(\s|$)' then substring(setting from '^[^=\s]+')||' (arguments not shown)' else '(set)' end else setting end setting,
 unit,vartype,context,source,sourcefile,pending_restart from pg_settings,(select array['listen_addresses','port','wal_level','max_wal_senders','max_replication_slots','max_connections','max_worker_processes','max_prepared_transactions',
 'max_locks_per_transaction','wal_log_hints','data_checksums','wal_keep_size','max_slot_wal_keep_size','idle_replication_slot_timeout','primary_slot_name',
 'recovery_target_timeline','recovery_min_apply_delay','hot_standby','hot_standby_feedback','archive_mode','archive_command','restore_command',
 'archive_library','synchronous_standby_names','synchronous_commit','default_transaction_read_only','ssl','ssl_cert_file','ssl_key_file','ssl_ca_file',
 'full_page_writes','fsync','cluster_name','hba_file','config_file','data_directory','unix_socket_directories','shared_preload_libraries',
 'wal_segment_size','wal_sender_timeout','wal_receiver_timeout','password_encryption','max_wal_size','server_encoding'] asked) a
 where name = any(asked) or pending_restart) x;
select 'sql',:'k','conninfo',to_json(regexp_replace(setting,'password\s*=\s*(''([^''\\]|\\.)*''|\S+)|://[^@/]*@','***','g')) from pg_settings
 where name='primary_conninfo' and setting<>'';
select 'sql',:'k','hba',row_to_json(x) from (select line_number,type,database,user_name,address,netmask,auth_method,error,
 to_jsonb(r)->>'file_name' file from pg_hba_file_rules r
 where error is not null or 'replication'=any(database) or exists (select from unnest(user_name) u where u like 'replform%')) x;
select 'sql',:'k','upstream',row_to_json(x) from (select status,sender_host,sender_port,slot_name,received_tli,flushed_lsn,latest_end_lsn,
 extract(epoch from now()-last_msg_receipt_time) silent_seconds from pg_stat_wal_receiver) x;
select 'sql',:'k','down',row_to_json(x) from (select usename role,application_name,host(client_addr) address,state,sync_state,sent_lsn,flush_lsn,replay_lsn,
 (select slot_name from pg_replication_slots s where s.active_pid=r.pid limit 1) slot,
 extract(epoch from now()-reply_time) reply_age_seconds, (select ssl from pg_stat_ssl s where s.pid=r.pid) ssl from pg_stat_replication r) x;
select 'sql',:'k','slot',row_to_json(x) from (select slot_name name,slot_type kind,database,temporary,active,restart_lsn,wal_status,safe_wal_size,plugin,
 to_jsonb(s)->'failover' failover, pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,restart_lsn)
 retained from pg_replication_slots s) x;
select 'sql',:'k','role',row_to_json(x) from (select rolname name,rolsuper super,rolreplication replication,rolcanlogin login,
 case when rolpassword like 'SCRAM-SHA-256$%' then 'scram-sha-256' when rolpassword like 'md5%' then 'md5' when rolpassword is null then 'none'
 else 'other' end password from pg_authid where (rolreplication or rolname like 'replform%') and oid>=16384) x;
select 'sql',:'k','backup',row_to_json(x) from (select phase,backup_total,backup_streamed from pg_stat_progress_basebackup) x;
select 'sql',:'k','tablespace',row_to_json(x) from (select spcname name,pg_tablespace_location(oid) location,pg_tablespace_size(oid) bytes
 from pg_tablespace where spcname not in ('pg_default','pg_global')) x;
select 'sql',:'k','logical',row_to_json(x) from (select (select count(*) from pg_subscription) subscriptions,(select count(*) from pg_publication) publications) x;
select 'sql',:'k','core','true';
\set ON_ERROR_STOP off
select 'sql',:'k','conferr',row_to_json(x) from (select sourcefile,sourceline,name,error from pg_file_settings
 where error is not null and error<>'setting could not be applied') x;
select 'sql',:'k','bytes',to_json(sum(pg_database_size(oid))::bigint) from pg_database;
select 'sql',:'k','db',row_to_json(x) from (select datname name,pg_database_size(oid) bytes,datcollate collate,to_jsonb(d)->>'datlocprovider' provider,
 to_jsonb(d)->>'datcollversion' collation_version,pg_encoding_to_char(encoding) encoding from pg_database d where datallowconn or not datistemplate) x;
select 'sql',:'k','dbactual',row_to_json(x) from (select datname name,pg_database_collation_actual_version(oid) version from pg_database where datallowconn) x;
select 'sql',:'k','collversion',row_to_json(x) from (select distinct on (collprovider) collprovider::text provider,pg_collation_actual_version(oid) version
 from pg_collation where collprovider in ('c','i') and pg_collation_actual_version(oid) is not null order by collprovider,collname='en-x-icu' desc,oid) x;
select 'sql',:'k','people',row_to_json(x) from (select
 (select count(*) from pg_database where not datistemplate and datname<>'postgres')+(select count(*) from pg_database where datistemplate and oid>=16384) databases,
 (select count(*) from pg_roles where oid>=16384 and rolname not like 'replform%') roles,
 (select count(*) from pg_class where oid>=16384 and relkind in ('r','p','v','m','f','S') and relnamespace not in
  (select oid from pg_namespace where nspname ~ '^pg_'))+(select count(*) from pg_proc where oid>=16384)
  +(select count(*) from pg_namespace where oid>=16384 and nspname !~ '^pg_')+(select count(*) from pg_largeobject_metadata) objects) x;
select 'sql',:'k','dbext',to_json(datname) from pg_database where datname in ('repmgr','pg_auto_failover');
select 'sql',:'k','archiver',row_to_json(x) from (select archived_count,last_archived_wal,failed_count,last_failed_wal from pg_stat_archiver) x;
select 'sql',:'k','walrate',row_to_json(x) from (select wal_bytes::bigint bytes,extract(epoch from now()-stats_reset) seconds from pg_stat_wal) x;
select 'sql',:'k','done','true';
SQL
    sed "/^sql /!s|^|sqlerror $k |"
  echo "asked $k $((($(date +%s%N) - t0) / 1000000))"
}

found=''
pg_host
pg_clusters
for p in $ports; do
  case $found in *" $p "*) ;; *) pg_candidates; break ;; esac
done
echo end
)
