# shellcheck shell=sh
# shellcheck disable=SC2016 # dpkg-query expands its own format
# shellcheck disable=SC2154,SC2034 # ports is set by replform; user is read by conf.sh
# The MongoDB part of a host's probe: packages, the units that run a mongod, their settings, and what each server of interest
# says about itself over its own protocol.
#
# Changes nothing, starts nothing, waits for nothing: each command is bounded, and a server that doesn't answer is a fact.
# Needs the variable `ports` (ports of interest, one a line) and the functions of client.sh and conf.sh; runs as root under dash, with
# coreutils, awk and perl-base. Prints `KIND UNIT REST` lines that decode.rs reads, the last of them `end`; without it the
# probe was cut. No key leaves the host, and no setting that isn't in the list below.
(
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd /

mongo_wanted() { case "
$ports
" in *"
$1
"*) return 0 ;; *) return 1 ;; esac }

mongo_host() {
  timeout 5 dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Status}\n' 'mongodb-org-server' 'mongodb-org' 'mongodb-server*' \
    'percona-server-mongodb*' 'mongodb-mms-automation-agent*' 2>/dev/null | grep -v 'not-installed$'
  [ -x /usr/bin/perl ] || echo 'missing perl'
  # One grep over all command lines, the first word only.
  timeout 3 grep -nzxE '(.*/)?(mongodb-mms-automation-agent|mongodb-agent|mongos)' /proc/[0-9]*/cmdline 2>/dev/null |
    tr '\0' '\n' | sed -nE 's|^/proc/([0-9]+)/cmdline:1:(.*/)?(.*)|manager process \3 pid \1|p'
  for f in /etc/mongodb-mms/automation-agent.config /var/lib/mongodb-mms-automation/automation-mongod.conf; do
    [ -e "$f" ] && echo "manager file $f"
  done
  for p in $ports; do
    awk -v port="$(printf ':%04X' "$p")" '$4 == "0A" && substr($2, length($2) - 4) == port { print "listening " n; exit }' \
      n="$p" /proc/net/tcp /proc/net/tcp6 2>/dev/null
  done
  sed -n 's/.*\[\(.*\)\].*/hugepages \1/p' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null
}

# What apt could install, asked only when a port of interest has no server. A probe writes nothing: an ordinary user takes
# apt's cache where it is up to date and can't write it; where that user may not read the sources, root builds it in memory.
mongo_candidates() {
  said=$(timeout 6 setpriv --reuid=nobody --regid=nogroup --clear-groups apt-cache madison mongodb-org-server 2>&1 </dev/null)
  case $said in
    '' | *W:* | *E:*) said=$(timeout 6 apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= madison mongodb-org-server 2>/dev/null </dev/null) ;;
  esac
  printf '%s\n' "$said" | awk -F ' *[|] *' '$1 ~ /mongodb-org-server/ && $2 != "" { print "candidate mongodb-org-server " $2 }'
}

mongo_directory_size() { timeout 4 du -sb "$1" 2>/dev/null | sed -n "s|^\([0-9]*\).*|\1|p"; }

# The units of running servers, then those that are installed; one a line, each once.
mongo_units() {
  {
    for pid in $(timeout 3 grep -lx mongod /proc/[0-9]*/comm 2>/dev/null | cut -d / -f 3); do
      sed -nE 's|.*/([^/]+\.service)$|\1|p' "/proc/$pid/cgroup" 2>/dev/null | head -n 1
    done
    timeout 5 systemctl list-unit-files --no-legend --no-pager 'mongod*.service' 2>/dev/null | awk '$2 != "masked" { print $1 }'
  } | grep -v '@\.service$' | awk '!seen[$0]++'
}

mongo_instances() {
  for unit in $(mongo_units); do
    command=$(mongo_command)
    [ -n "$command" ] || continue
    user=$(timeout 5 systemctl show -p User --value "$unit" 2>/dev/null)
    user=${user:-root}
    settings=$(mongo_settings)
    port=$(mongo_setting net.port)
    echo "unit $unit ${port:-27017}"
    if mongo_wanted "${port:-27017}"; then
      found="$found ${port:-27017} "
      port=${port:-27017}
      mongo_files
      mongo_ask
    fi
  done
}

mongo_files() {
  printf '%s\n' "$settings" | grep .
  [ -n "$settings" ] || echo "unreadable $unit"
  timeout 5 systemctl show -p LoadState,ActiveState,SubState,UnitFileState,Result,MainPID "$unit" 2>/dev/null | sed "s|^|state $unit |"
  echo "user $unit $user $(id -gn "$user" 2>/dev/null)"
  binary=${command%% *}
  echo "binary $unit $(timeout 5 "$binary" --version 2>/dev/null </dev/null | sed -n 's/^db version v//p')"
  conf=$(mongo_setting config)
  if [ -n "$conf" ]; then
    said=$(mongo_conf "$conf" 2>&1 >/dev/null </dev/null) || echo "conf $unit refused $said"
  fi
  key=$(mongo_setting security.keyFile)
  if [ -n "$key" ]; then echo "key $unit $(stat -L -c '%a %U %s' "$key" 2>/dev/null || echo missing)"; fi
  data=$(mongo_setting storage.dbPath)
  data=${data:-/data/db}
  disk=$data
  while [ -n "$disk" ] && ! [ -d "$disk" ]; do disk=${disk%/*}; done
  timeout 3 df -B1 --output=size,avail,target "${disk:-/}" 2>/dev/null | sed -n "2s|^ *|disk $unit |p"
  for f in "$data".replform-*; do [ -d "$f" ] && echo "aside $unit $(mongo_directory_size "$f") $f"; done
  if [ -L "$data" ]; then echo "place $unit symlink"; elif mountpoint -q "$data" 2>/dev/null; then echo "place $unit mount"; fi
  if ! [ -d "$data" ]; then echo "content $unit directory"; return 0; fi
  if [ -z "$(ls -A "$data" 2>/dev/null)" ]; then echo "content $unit none"; fi
  [ ! -e "$data/replform.new" ] || echo "content $unit new"
  echo "size $unit $(mongo_directory_size "$data")"
  echo "journal $unit $(mongo_directory_size "$data/journal")"
  # Writes that a rollback took out; an administrator looks at them, nothing removes them.
  find "$data/rollback" -name '*.bson' 2>/dev/null | head -n 100 | awk -v unit="$unit" 'END { if (NR) print "rollback " unit " " NR }'
}

# Asks the server.
mongo_ask() {
  pid=$(timeout 5 systemctl show -p MainPID --value "$unit" 2>/dev/null)
  [ "${pid:-0}" != 0 ] || return 0
  case $(mongo_setting net.tls.mode)$(mongo_setting net.ssl.mode) in require*) echo "asked $unit tls the server takes TLS connections only"; return 0 ;; esac
  t0=$(date +%s%N)
  mongo_client probe "$(mongo_hosts)" "$port" "$key" 2>&1 | awk -v unit="$unit" '
    /^(ask|asked) / { kind = $1; sub(/^[a-z]+ /, ""); print kind " " unit " " $0; next }
    { print "asked " unit " server " $0 }'
  echo "took $unit $((($(date +%s%N) - t0) / 1000000))"
}

found=''
mongo_host
mongo_instances
for p in $ports; do
  case $found in *" $p "*) ;; *) mongo_candidates; break ;; esac
done
echo end
)
