# shellcheck shell=sh
# The Redis and Valkey part of a host's probe: packages, instances, and what each instance of interest says about itself.
#
# Changes nothing, starts nothing, waits for nothing: each command is bounded, and a server that doesn't answer is a fact.
# Needs the variable `ports` (ports of interest, one a line) and the functions of files.sh; runs as root under dash, with coreutils,
# awk and the server's own client. Prints `KIND CONFIGURATION REST` lines that decode.rs reads, the last of them `end`; without
# it the probe was cut. No password and no hash of one leaves the host, and nothing of the data: they are masked here.
# shellcheck disable=SC2016 # dpkg-query expands its own format
# shellcheck disable=SC2154 # ports is set by replform
(
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
unset REDISCLI_AUTH
cd /

rd_wanted() { case "
$ports
" in *"
$1
"*) return 0 ;; *) return 1 ;; esac }

rd_host() {
  timeout 5 dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Status}\n' redis-server redis-tools valkey-server valkey-tools \
    redis-sentinel valkey-sentinel 2>/dev/null | grep -v 'not-installed$'
  echo "thp $(sed -n 's/.*\[\(.*\)\].*/\1/p' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null)"
  echo "overcommit $(cat /proc/sys/vm/overcommit_memory 2>/dev/null)"
  # The first word and, where the server has rewritten it, the rest: `redis-sentinel *:26379 [sentinel]`.
  timeout 3 grep -alE '^[^ ]*(redis|valkey)-sentinel|--sentinel|\[sentinel\]' /proc/[0-9]*/cmdline 2>/dev/null |
    sed -nE 's|^/proc/([0-9]+)/cmdline$|\1|p' | while read -r pid; do
    case $(cat "/proc/$pid/comm" 2>/dev/null) in redis-* | valkey-*) echo "manager process Sentinel pid $pid" ;; esac
  done
  for f in /var/lib/replform/making.redis /var/lib/replform/making.valkey; do
    [ -e "$f" ] && echo "making ${f##*.} $(head -c 10 "$f")"
  done
  for p in $ports; do
    awk -v port="$(printf ':%04X' "$p")" '$4 == "0A" && substr($2, length($2) - 4) == port { print "listening " n; exit }' \
      n="$p" /proc/net/tcp /proc/net/tcp6 2>/dev/null
  done
}

# What apt could install, asked only when a port of interest has no instance. A probe writes nothing: an ordinary user takes
# apt's cache where it is up to date and can't write it; where that user may not read the sources, root builds it in memory.
rd_candidates() {
  set -- policy redis-server valkey-server
  said=$(timeout 6 setpriv --reuid=nobody --regid=nogroup --clear-groups apt-cache "$@" 2>&1 </dev/null)
  case $said in
    '' | *W:* | *E:*) said=$(timeout 6 apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@" 2>/dev/null </dev/null) ;;
  esac
  printf '%s\n' "$said" |
    awk '/^(redis|valkey)-server/ { sub(":$", "", $1); name = $1 } $1 == "Candidate:" && $2 != "(none)" { print "candidate " name " " $2 }'
}

# Secrets in directives: the last word of some, and of a user's line its passwords.
rd_mask() {
  sed -E 's/^([[:space:]]*(masterauth|primaryauth|requirepass|tls-[a-z-]*-pass)[[:space:]]+).*/\1(set)/I
    s/^([[:space:]]*rename-command[[:space:]]+[^[:space:]]+[[:space:]]+).*/\1(another name)/I
    s/>[^[:space:]]+/>(set)/g; s/#[0-9a-fA-F]{64}/#(hash)/g; s/![0-9a-fA-F]{64}/!(hash)/g; s/<[^[:space:]]+/<(set)/g'
}

rd_directives='bind|port|protected-mode|user|aclfile|requirepass|master(user|auth)|primary(user|auth)|replicaof|slaveof|save|appendonly|dir|dbfilename|logfile|tls-[a-z-]+|rename-command|cluster-enabled|unixsocket|databases|maxmemory|repl-backlog-size|enable-protected-configs'

rd_instances() {
  for conf in /etc/redis/*.conf /etc/valkey/*.conf; do
    [ -f "$conf" ] || continue
    kind=${conf#/etc/} kind=${kind%%/*} unit=${conf##*/} unit=${unit%.conf}
    case $unit in
      "$kind") unit=$kind-server.service ;;
      "$kind"-?*) unit=$kind-server@${unit#"$kind"-}.service ;;
      *) continue ;;
    esac
    port=$(rd_conf port) || port=6379
    case $port in '' | *[!0-9]*) continue ;; esac
    k=$conf
    echo "instance $k $port"
    echo "kind $k $kind"
    echo "unitname $k $unit"
    timeout 5 systemctl show -p LoadState,ActiveState,SubState,UnitFileState,NRestarts,MainPID "$unit" 2>/dev/null | sed "s|^|unit $k |"
    if rd_wanted "$port"; then
      found="$found $port "
      rd_files
      rd_server
    fi
  done
}

rd_directory_size() { timeout 4 du -sb "$1" 2>/dev/null | sed -n "s|^\([0-9]*\).*|\1|p"; }

rd_files() {
  rd_conf_lines "$conf" | grep -iE "^[[:space:]]*($rd_directives)([[:space:]]|$)" | rd_mask | sed "s|^[[:space:]]*|conf $k |"
  sed -n '/^# replform begin:/,/^# replform end$/p' "$conf" | rd_mask | sed "s|^|block $k |"
  grep -qiE '^[[:space:]]*include[[:space:]]' "$conf" && echo "include $k yes"
  [ -s "$conf.replform-secret" ] && echo "secret $k yes"
  data=$(rd_conf dir) data=${data%/}
  dump=$(rd_conf dbfilename) || dump=dump.rdb
  case $data in /?*) ;; *) return 0 ;; esac
  echo "data $k $data"
  disk=$data
  while [ -n "$disk" ] && ! [ -d "$disk" ]; do disk=${disk%/*}; done
  timeout 3 df -B1 --output=size,avail,target "${disk:-/}" 2>/dev/null | sed -n "2s|^ *|disk $k |p"
  for f in "$data".replform-* "$data"/.replform-[0-9]* "$data/.replform-copy"; do [ -d "$f" ] && echo "aside $k $(rd_directory_size "$f") $f"; done
  note=$data.replform-copy.verified
  if mountpoint -q "$data" 2>/dev/null; then note=$data/.replform-copy.verified; fi
  [ -e "$note" ] && echo "verified $k yes"
  sed -n "2s|^|waits $k id |p;3s|^|waits $k offset |p" "$note" 2>/dev/null
  if [ -L "$data" ]; then echo "place $k symlink"; elif mountpoint -q "$data" 2>/dev/null; then echo "place $k mount"; fi
  if ! [ -d "$data" ]; then echo "missing $k directory"; return 0; fi
  # A swap that was cut off moves what may go and what is a checked copy: nothing in it is anybody's data.
  if [ -s "$data/.replform-swap" ]; then
    echo "missing $k content"
    return 0
  fi
  if mountpoint -q "$data" 2>/dev/null; then
    [ -n "$(find "$data" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name '.replform-*' 2>/dev/null | head -n 1)" ] || echo "missing $k content"
  else
    [ -n "$(ls -A "$data" 2>/dev/null)" ] || echo "missing $k content"
  fi
  echo "size $k $(rd_directory_size "$data")"
  if [ -f "$data/$dump" ]; then
    echo "dump $k file $(stat -c '%s %Y' "$data/$dump")"
    rd_dump_head "$data/$dump" | sed "s|^|dump $k |"
  fi
  for f in "$data"/*.rdb; do [ -f "$f" ] && [ "$f" != "$data/$dump" ] && echo "otherdump $k ${f##*/}"; done
  rd_append_only "$data" && echo "aof $k yes"
}

# Commands on standard input, asked of the instance; its password only ever stands in the environment.
rd_say() {
  (
    if [ -n "$word" ]; then
      REDISCLI_AUTH=$word
      export REDISCLI_AUTH
    fi
    exec timeout -k 1 4 "/usr/bin/$kind-cli" -h "$address" -p "$port" --no-auth-warning 2>&1
  ) | tr -d '\r'
}

# Asks the server. After the line `core` all is known that plans rest on.
rd_server() {
  [ -x "/usr/bin/$kind-cli" ] || return 0
  word=$(rd_conf requirepass)
  [ $? -ne 2 ] || echo "ping $k its requirepass has escapes that replform doesn't read"
  address=$(rd_address "$(rd_conf bind)")
  t0=$(date +%s%N)
  said=$(echo PING | rd_say)
  printf '%s\n' "$said" | head -n 2 | cut -c 1-300 | sed "s|^|ping $k |"
  case $said in
    *PONG* | LOADING*)
      printf '%s\n' 'INFO server' 'INFO replication' 'INFO persistence' 'INFO memory' 'INFO stats' 'INFO keyspace' 'INFO cluster' | rd_say |
        grep -aE '^(redis_version|server_name|valkey_version|redis_mode|run_id|uptime_in_seconds|config_file|(async_)?loading[a-z_]*|role|master_[a-z0-9_]+|slave[a-z0-9_]*|connected_slaves|replicas_[a-z_]+|repl_backlog_[a-z_]+|second_repl_offset|rdb_[a-z_]+|aof_(enabled|last_write_status|rewrite_in_progress)|used_memory|used_memory_dataset|maxmemory|maxmemory_policy|number_of_(libraries|functions)|db[0-9]+|total_net_input_bytes|instantaneous_input_kbps|cluster_enabled):' |
        sed "s|^|info $k |"
      ;;
  esac
  case $said in
    *PONG*)
      # Names and values in turns; a value may be empty.
      printf '%s\n' 'CONFIG GET [bprsmatcud]*' | rd_say | awk -v k="$k" '
        function wanted(name) { return name ~ /^(bind|port|protected-mode|save|appendonly|dir|dbfilename|logfile|aclfile|masteruser|masterauth|requirepass|maxmemory|databases|unixsocket|cluster-enabled|repl-backlog-size|repl-backlog-ttl|repl-timeout|repl-diskless-sync|repl-diskless-sync-delay|replica-read-only|replicaof|slaveof|shutdown-timeout|tls-port|tls-replication|tls-cert-file|tls-key-file|tls-ca-cert-file|disable-thp|client-output-buffer-limit|min-replicas-to-write|unixsocket|rdbchecksum)$/ }
        NR % 2 { name = $0; next }
        wanted(name) { value = $0; if (name ~ /^(masterauth|requirepass)$/ && value != "") value = "(set)"; print "set " k " " name " " value }
        END { if (NR == 1) print "error " k " CONFIG: " name }'
      printf 'ACL LIST\n' | rd_say | rd_mask | sed "s|^|user $k |"
      # A Sentinel elsewhere is seen from here by its connections.
      [ "$(printf 'CLIENT LIST\n' | rd_say | grep -ac ' name=sentinel-')" -eq 0 ] || echo "sentinels $k yes"
      # Which account each replica's connection uses; INFO doesn't say.
      printf 'CLIENT LIST TYPE replica\n' | rd_say | sed -nE 's/^(.* )?addr=([^ ]+) .*[ ]user=([^ ]+)( .*)?$/\2 \3/p' | sed "s|^|connection $k |"
      [ "$(echo PING | rd_say | tail -n 1)" = PONG ] && echo "core $k yes"
      ;;
  esac
  log=$(rd_conf logfile)
  # Why a replica isn't connected stands in its log only; it tries again every second.
  [ -f "$log" ] && tail -c 20000 "$log" 2>/dev/null |
    grep -aE 'Error condition on socket|Unable to (AUTH|connect)|reply to PING|Failed to read response|did not respond|Timeout connecting|Write error|MASTER timeout|PRIMARY timeout|NOPERM|NOAUTH|for lack of backlog' |
    sed -E 's/^[0-9]+:[A-Z] ([0-9]+ [A-Za-z]+ [0-9]+ [0-9:.]+) [#*.-] //' | uniq | tail -n 1 | cut -c 1-300 | sed "s|^|said $k |"
  echo "asked $k $((($(date +%s%N) - t0) / 1000000))"
}

found=''
rd_host
rd_instances
for p in $ports; do
  case $found in *" $p "*) ;; *) rd_candidates; break ;; esac
done
echo end
)
