# shellcheck shell=sh disable=SC2154
# Starts the sending end of one copy on the donor: a transient unit that waits for the replica, by TLS that proves both ends with
# certificates made for this copy alone, then sends mariadb-backup's stream, and after it a note of how mariadb-backup ended.
#
# Changes: the unit UNIT.service and its folder /run/replform/send/UNIT (memory; gone with the unit); nothing of the database.
# Without a replica that comes within 60 s it ends by itself. One that sends already is left alone. Proves that it listens or
# sends. Can be run again.
# Variables: port; unit_name (UNIT), listen_address, copy_port, address (the replica's), max_rate (bytes a second, empty: none);
# authority, certificate (PEM: the copy's authority; this end's certificate and key).

send_unit_is() { [ "$(maria_unit "$unit_name.service")" = "$1" ]; }

# Whether the replica was connected and is being sent to.
send_runs() { send_unit_is active && [ -e "$folder/began" ]; }

# Whether somebody listens on the copy's port.
send_listens() {
  awk -v port="$(printf ':%04X' "$copy_port")" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

check() {
  maria_place
  folder=/run/replform/send/$unit_name
  case $unit_name in
    replform-*[!A-Za-z0-9._-]* | */*) die "\"$unit_name\" is no name of a unit of ours" ;;
    replform-?*) ;;
    *) die "\"$unit_name\" is no name of a unit of ours" ;;
  esac
  case "$listen_address$address" in *[!A-Za-z0-9.:]*) die "the addresses of the copy aren't understood: $listen_address, $address" ;; esac
  command -v mariadb-backup >/dev/null || die "mariadb-backup isn't installed on this host"
  command -v mbstream >/dev/null || die "mbstream (of mariadb-backup) isn't installed on this host"
  command -v socat >/dev/null || die "socat isn't installed on this host"
  maria_running
  [ "$(maria_variable log_bin)" = ON ] || die "log_bin is off, so a copy would have no place in the history"
  # The tool of another version reads another server's files wrongly.
  tool=$(mariadb-backup --version 2>&1 | sed -nE 's/.*server ([0-9]+\.[0-9]+\.[0-9]+).*/\1/p' | head -n 1)
  server=$(echo 'select @@version;' | maria_sql | sed -E 's/^([0-9]+\.[0-9]+\.[0-9]+).*/\1/')
  [ "$tool" = "$server" ] || die "mariadb-backup here is of version $tool, the server $server: install the server's own version"
  if send_runs; then return 0; fi
  send_unit_is active || ! send_listens || die "port $copy_port, which the copy needs here, is used by another program"
}

# What the unit runs. The stream's last file says how mariadb-backup ended: without it the replica takes no copy for whole.
send_write_scripts() {
  cat >"$folder/body.sh" <<'BODY'
# Started by socat when the replica is there: the stream on standard output, its note at the end.
: >began
{
  # shellcheck disable=SC2046 # one argument a line, none with a space
  mariadb-backup $(cat arguments) --backup --stream=mbstream --target-dir="$PWD/work" 2>backup.log
  echo $? >backup.rc
} | if [ -s rate ]; then
  # Slices of 64 KiB, four times a second.
  slices=$((($(cat rate) + 262143) / 262144))
  exec 3>&1
  while said=$(dd bs=65536 count="$slices" iflag=fullblock 2>&1 >&3); do
    case $said in 0+0*) break ;; esac
    sleep 0.25
  done
else
  exec cat
fi
{
  printf 'code %s\n' "$(cat backup.rc)"
  tail -n 1 backup.log | grep -o 'completed OK!'
  grep -aE 'ERROR|Error|error:|failed|Failed' backup.log | tail -n 3 | cut -c 1-300
} >replform.sent
mbstream -c replform.sent
BODY
  cat >"$folder/listen.sh" <<'LISTEN'
# Waits for the replica, at most 60 s; a stranger who knocks is sent away and uses nothing up.
cd "$1" || exit 1
export HOME=/root
until=$(($(date +%s) + 60))
while [ ! -e began ] && [ "$(date +%s)" -lt "$until" ]; do
  socat -b 262144 -U "$2" EXEC:'/bin/sh body.sh' 2>>socat.log &
  socat=$!
  while kill -0 "$socat" 2>/dev/null && [ ! -e began ]; do
    [ "$(date +%s)" -lt "$until" ] || kill "$socat" 2>/dev/null
    sleep 0.2
  done
  wait "$socat"
  code=$?
done
exit "${code:-1}"
LISTEN
}

run() {
  if send_runs; then return 0; fi
  systemctl stop "$unit_name.service" 2>/dev/null
  systemctl reset-failed "$unit_name.service" 2>/dev/null
  rm -rf -- "$folder"
  (umask 077 && mkdir -p "$folder") || die "$folder can't be made"
  printf '%s\n' "$authority" | write_file "$folder/authority.pem" 0600 root:root || die "$folder can't be written"
  printf '%s\n' "$certificate" | write_file "$folder/own.pem" 0600 root:root || die "$folder can't be written"
  printf '%s' "$max_rate" >"$folder/rate"
  printf '%s\n' "${maria_login:-}" "--socket=$sock" --parallel=2 >"$folder/arguments"
  send_write_scripts
  listen="OPENSSL-LISTEN:$copy_port,bind=$(send_bracketed "$listen_address"),reuseaddr,range=$(send_range),cert=own.pem,cafile=authority.pem"
  listen="$listen,verify=1,commonname=replform-target,openssl-min-proto-version=TLS1.2,keepalive,keepidle=30,keepintvl=10,keepcnt=6"
  systemd-run --quiet --collect --unit="$unit_name.service" --description="replform sends a copy to $address" \
    --property=UMask=0077 --property=Nice=5 --property=LimitNOFILE=524288 --property="ExecStopPost=/bin/rm -rf -- $folder" \
    /bin/sh "$folder/listen.sh" "$folder" "$listen" </dev/null || die "systemd didn't start $unit_name"
  wait_until 10 send_listens || die "the sender doesn't listen on $listen_address:$copy_port: $(tail -n 1 "$folder/socat.log" 2>/dev/null | sed 's/^.* E //')"
  changed "$unit_name waits for $address on port $copy_port"
}

send_bracketed() { case $1 in *:*) printf '[%s]' "$1" ;; *) printf '%s' "$1" ;; esac; }

# The replica's address and nobody else's.
send_range() { case $address in *:*) printf '[%s]/128' "$address" ;; *) printf '%s/32' "$address" ;; esac; }

verify() {
  send_runs || send_listens || die "the sender $unit_name doesn't run"
}
