# shellcheck shell=sh disable=SC2154,SC2034
# What Redis' step scripts share (Valkey's too: `kind` says which): where a server's parts are, asking it and its upstream,
# starting, stopping, our part of its configuration. Stands after files.sh; changes nothing by itself, each function can be run again.
#
# Variables from the plan: kind (redis, valkey), conf (/etc/redis/redis.conf), port. rd_place sets: cli unit owner data dump log
# secret copy verified. Passwords go to clients by the environment or standard input, never as an argument: every account of
# the host may read those.
# The traps that are handled here (each met on real servers): redis-cli ends well after an error reply, so the reply itself is
# looked at; a server that saves at its shutdown answers nothing; systemd gives up after five quick failures, so a failed unit is
# reset first, and one that can't start is stopped again.

rd_place() {
  case $kind in
    redis | valkey) ;;
    *) die "\"$kind\" is neither Redis nor Valkey" ;;
  esac
  case $conf in
    /etc/"$kind"/?*.conf) ;;
    *) die "\"$conf\" is no configuration of Debian's $kind" ;;
  esac
  cli=/usr/bin/$kind-cli
  unit=${conf##*/} unit=${unit%.conf}
  case $unit in
    "$kind") unit=$kind-server.service ;;
    "$kind"-?*) unit=$kind-server@${unit#"$kind"-}.service ;;
    *) die "\"$conf\" belongs to no unit of Debian's $kind" ;;
  esac
  [ -e "$conf" ] || die "this host has no $conf"
  [ -x "$cli" ] || die "this host has no $cli"
  owner=$kind secret=$conf.replform-secret
  data=$(rd_conf dir) data=${data%/}
  case $data in
    /?*/?*) ;;
    *) die "the data directory in $conf isn't known: \"$data\"" ;;
  esac
  dump=$(rd_conf dbfilename) || dump=dump.rdb
  log=$(rd_conf logfile) || log=''
  copy=$(data_copy_place "$data") verified=$copy.verified
}

# rd_cli ADDRESS PORT USER PASSWORD [redis-cli's arguments]: commands on standard input, one a line; replies without frills.
# rd_limit: its seconds. A password of its own is the default user's when USER is empty.
rd_cli() {
  (
    rd_to=$1 rd_port=$2 rd_user=$3 rd_word=$4
    shift 4
    # Without a password nothing is said about one, not even what the caller's environment holds.
    unset REDISCLI_AUTH
    if [ -n "$rd_word" ]; then
      REDISCLI_AUTH=$rd_word
      export REDISCLI_AUTH
    fi
    exec timeout -k 1 "${rd_limit:-10}" "$cli" -h "$rd_to" -p "$rd_port" ${rd_user:+--user "$rd_user"} --no-auth-warning "$@"
  )
}

# rd_ask: commands on standard input go to this host's server.
rd_ask() {
  rd_own_word=$(rd_conf requirepass) || rd_own_word=''
  # A password that the server doesn't know yet does no harm.
  rd_cli "$(rd_address "$(rd_conf bind)")" "$port" '' "$rd_own_word" 2>&1 | tr -d '\r' | grep -avE '^$|^AUTH failed: ERR AUTH <password> called without'
}

# rd_word N: line N of the secrets kept for this replica: 1 its account's password, 2 the password it is to ask of others.
rd_word() {
  rd_kept=$(sed -n "$1p" -- "$secret" 2>/dev/null)
  if [ -z "$rd_kept" ] && [ "$1" = 1 ]; then rd_kept=$(rd_conf masterauth) || rd_kept=''; fi
  printf '%s\n' "$rd_kept"
}

# rd_upstream: commands on standard input go to the upstream, with this replica's account; by TLS where tls_ca is set.
rd_upstream() {
  rd_cli "$upstream_address" "$upstream_port" "$role" "$(rd_word 1)" \
    ${tls_ca:+--tls --cacert "$tls_ca" --cert "$tls_cert" --key "$tls_key"} 2>&1 | tr -d '\r'
}

# rd_field NAME: of `name:value` lines on standard input one value.
rd_field() { sed -n "s/^$1://p" | head -n 1; }

# rd_get NAME: a setting in force.
rd_get() { printf 'CONFIG GET %s\n' "$1" | rd_ask | sed -n '2p'; }

rd_ping() { echo PING | rd_limit=3 rd_ask; }

rd_is_up() { [ "$(rd_ping)" = PONG ]; }

# rd_running: dies unless the server takes commands; says why as far as the server tells.
rd_running() {
  said=$(rd_ping)
  case $said in
    PONG) ;;
    LOADING*) die "the server on port $port is loading its data" ;;
    NOAUTH* | *WRONGPASS* | *NOPERM*)
      die "the server on port $port asks for a password that isn't in $conf (requirepass): root gets in only if it stands there" ;;
    '') die "the server on port $port doesn't answer within 3 s" ;;
    *) die "the server on port $port doesn't answer: $(printf '%s' "$said" | head -n 1)" ;;
  esac
}

# rd_role: master | slave, or what the server says instead.
rd_role() { echo 'INFO replication' | rd_ask | rd_field role; }

# rd_keys: how many keys and libraries of functions the server holds.
rd_keys() {
  printf '%s\n' 'INFO keyspace' 'INFO memory' | rd_ask | awk -F '[:=,]' '
    /^db[0-9]+:keys=/ { keys += $3 }
    /^number_of_libraries:/ { keys += $2 }
    /^# Keyspace/ { told = 1 }
    END { if (!told) exit 1; print keys + 0 }'
}

rd_unit() { timeout 10 systemctl show -p ActiveState --value "$unit"; }

# rd_pid: the server's process by its unit; 0: none.
rd_pid() { timeout 10 systemctl show -p MainPID --value "$unit"; }

rd_is_down() {
  case $(rd_unit) in inactive | failed) ;; *) return 1 ;; esac
  ! data_used "$data"
}

# rd_stop SECONDS: stops the server. It saves its data first where its settings say so, and doesn't end when it can't.
rd_stop() {
  systemctl stop --no-block "$unit" || return 1
  wait_until "$1" rd_is_down
}

rd_log_mark() { log_mark=$(stat -c %s -- "$log" 2>/dev/null || echo 0); }

# rd_log: the server's log since rd_log_mark.
rd_log() { tail -c "+$((${log_mark:-0} + 1))" -- "$log" 2>/dev/null; }

# The reasons in it, in one line.
rd_log_why() {
  rd_said=$(rd_log | grep -aE ' # |FATAL|>>>|rror' | grep -avE 'WARNING|Connection with (master|primary) lost' |
    sed -E 's/^[0-9]+:[A-Z] [0-9]+ [A-Za-z]+ [0-9]+ [0-9:.]+ [#*.-] //' | uniq | tail -n 3 | tr '\n' ';')
  [ -n "$rd_said" ] || rd_said=$(timeout 5 journalctl -q -n 3 -o cat -u "$unit" 2>/dev/null | tr '\n' ';')
  printf '%s\n' "${rd_said:-its log says nothing}" | cut -c 1-600
}

# Whether a start has come to an end, good or bad: it answers (or loads), or the unit gave up or runs in circles.
rd_start_ended() {
  case $(rd_ping) in PONG | LOADING*) return 0 ;; esac
  case $(rd_unit) in failed) return 0 ;; esac
  [ "$(timeout 10 systemctl show -p NRestarts --value "$unit")" -ge 3 ] 2>/dev/null
}

# rd_loaded: it takes commands; a server that loads goes on by itself.
rd_loaded() {
  rd_now=$(rd_ping)
  [ "$rd_now" = PONG ] || { case $rd_now in LOADING*) return 1 ;; esac && [ "$(rd_unit)" = failed ]; }
}

# rd_start SECONDS: starts the server and waits until it takes commands; one that can't start is stopped again.
rd_start() {
  rd_log_mark
  systemctl reset-failed "$unit" 2>/dev/null
  systemctl start --no-block "$unit" || return 1
  if wait_until 60 rd_start_ended && case $(rd_ping) in PONG | LOADING*) ;; *) false ;; esac; then
    wait_until "$1" rd_loaded && rd_is_up
    return
  fi
  timeout 60 systemctl stop "$unit"
  return 1
}

rd_begin='# replform begin: what stands here is overwritten by its next run, and taken away when the replication is'
rd_end='# replform end'

# rd_block: the lines of our part of the configuration; the last directive wins, so it stands at the file's end.
rd_block() { sed -n '/^# replform begin:/,/^# replform end$/p' -- "$conf" | grep -v '^# replform '; }

rd_block_is_whole() {
  awk '/^# replform begin:/ { if (inside || seen) exit bad = 1; inside = seen = 1 }
    /^# replform end$/ { if (!inside) exit bad = 1; inside = 0 }
    END { exit bad || inside }' "$conf" || die "replform's part of $conf was cut by hand: remove what is left of it"
}

# rd_without NAME…: standard input without the directives of these names; `user/NAME` is the line of one user.
rd_without() {
  names=" $* " awk '{ key = tolower($1); if (key == "user") key = "user/" $2; if (!NF || !index(ENVIRON["names"], " " key " ")) print }'
}

# rd_block_put [NAME…]: the directives on standard input become part of our block, in place of those of the same names; those of
# NAME go. A user is named once in the whole file, or the server doesn't start.
rd_block_put() {
  rd_new=$(cat)
  rd_before=$(cat -- "$conf")
  # shellcheck disable=SC2046 # names are words
  set -- "$@" $(printf '%s\n' "$rd_new" | awk 'NF { key = tolower($1); print key == "user" ? "user/" $2 : key }')
  rd_kept=$(rd_block | rd_without "$@")
  rd_users=$(printf '%s\n' "$@" | grep '^user/' | tr '\n' ' ')
  rd_after=$(
    # shellcheck disable=SC2086 # names are words
    printf '%s\n' "$rd_before" | sed '/^# replform begin:/,/^# replform end$/d' | rd_without $rd_users
    [ -z "$rd_kept$rd_new" ] || printf '%s\n' "$rd_begin" "$rd_kept" "$rd_new" "$rd_end" | grep .
  )
  if [ "$rd_before" = "$rd_after" ]; then return 0; fi
  printf '%s\n' "$rd_after" | write_file "$conf" "$(stat -c %a -- "$conf")" "$(stat -c %U:%G -- "$conf")" || die "$conf can't be written"
  changed "$conf: $(printf '%s\n' "$@" | tr '\n' ' ')"
}

# rd_block_names: the names of the directives in our block, users left out.
rd_block_names() { rd_block | awk 'NF && tolower($1) != "user" { print tolower($1) }'; }

# rd_below NAME: the value of a directive as it is without our block; fails where there is none.
rd_below() {
  sed '/^# replform begin:/,/^# replform end$/d' -- "$conf" | rd_conf_in /dev/stdin "$1"
}

# rd_back NAME: the value that a setting of ours goes back to: the one that was noted (`before`, lines NAME VALUE), what the file
# says without our block, or what every server has by itself. Fails where none is known.
rd_back() {
  if printf '%s\n' "${before:-}" | grep -qE "^$1( |\$)"; then
    printf '%s\n' "$before" | sed -nE "s/^$1( |\$)//p"
    return
  fi
  rd_below "$1" && return
  case $1 in
    masteruser | masterauth | tls-*-file) echo ;;
    tls-port) echo 0 ;;
    tls-replication) echo no ;;
    protected-mode | replica-read-only) echo yes ;;
    *) return 1 ;;
  esac
}

# rd_stays NAME: whether a directive of our block stays in the file when the block goes: where the data is and the port, the password
# that guards the data, and what `keep` names.
rd_stays() {
  case $1 in dir | port | requirepass) return 0 ;; esac
  printf '%s\n' "${keep:-}" | grep -qxF -- "$1"
}

# rd_put_back: the running server's settings of our block go back, but for those that stay. A value that isn't ours any more is
# left. The server takes all or none.
rd_put_back() {
  rd_backs=''
  for rd_name in $(rd_block_names); do
    case $rd_name in replicaof | appendonly) continue ;; esac
    if rd_stays "$rd_name"; then continue; fi
    rd_ours=$(rd_conf "$rd_name")
    if [ "$(rd_get "$rd_name")" != "$rd_ours" ]; then continue; fi
    if rd_value_back=$(rd_back "$rd_name"); then
      [ "$rd_value_back" = "$rd_ours" ] || rd_backs="$rd_backs $rd_name $(rd_quoted "$rd_value_back")"
    else
      note "what $rd_name was before isn't known: it goes back with the next restart of $unit"
    fi
  done
  [ -n "$rd_backs" ] || return 0
  rd_said=$(printf 'CONFIG SET%s\n' "$rd_backs" | rd_ask)
  [ "$rd_said" = OK ] || die "the server refuses its settings of before: $(printf '%s' "$rd_said" | head -n 1)"
  changed "CONFIG SET to what was before: $(rd_block_names | tr '\n' ' ')"
}

# rd_block_end: our block goes; what stays of it stands in the file as any other directive. The users in it go too.
rd_block_end() {
  rd_before=$(cat -- "$conf")
  rd_after=$(
    printf '%s\n' "$rd_before" | sed '/^# replform begin:/,/^# replform end$/d'
    rd_block | while IFS= read -r rd_line; do
      if rd_stays "$(printf '%s\n' "$rd_line" | awk '{ print tolower($1) }')"; then printf '%s\n' "$rd_line"; fi
    done
  )
  if [ "$rd_before" = "$rd_after" ]; then return 0; fi
  rd_left=$(rd_block_names | while IFS= read -r rd_name; do if rd_stays "$rd_name"; then printf '%s ' "$rd_name"; fi; done)
  printf '%s\n' "$rd_after" | write_file "$conf" "$(stat -c %a -- "$conf")" "$(stat -c %U:%G -- "$conf")" || die "$conf can't be written"
  changed "$conf: our part is gone"
  [ -z "$rd_left" ] || note "$conf keeps ${rd_left% }"
}

# rd_acl_file: where the running server keeps its users; empty: in its configuration.
rd_acl_file() { rd_get aclfile; }

# rd_user_remove NAME: a user of ours goes from the running server and from its file.
rd_user_remove() {
  own_name "$1"
  if printf 'ACL LIST\n' | rd_ask | grep -q "^user $1 "; then
    rd_said=$(printf 'ACL DELUSER %s\n' "$1" | rd_ask)
    [ "$rd_said" = 1 ] || die "the user $1 can't be removed: $(printf '%s' "$rd_said" | head -n 1)"
    changed "removed the user $1"
  fi
  rd_users_kept=$(rd_acl_file)
  if [ -z "$rd_users_kept" ]; then
    rd_block_put "user/$1" </dev/null
  elif grep -q "^user $1 " -- "$rd_users_kept"; then
    rd_users_left=$(rd_without "user/$1" <"$rd_users_kept")
    printf '%s\n' "$rd_users_left" | grep . | write_file "$rd_users_kept" "$(stat -c %a -- "$rd_users_kept")" "$(stat -c %U:%G -- "$rd_users_kept")" ||
      die "$rd_users_kept can't be written"
    changed "$rd_users_kept: without user $1"
  fi
}

# rd_users_verify NAME…: dies while a user of these names is there.
rd_users_verify() {
  rd_known=$(printf 'ACL LIST\n' | rd_ask)
  rd_users_kept=$(rd_acl_file)
  for rd_name; do
    if printf '%s\n' "$rd_known" | grep -q "^user $rd_name "; then die "the user $rd_name is still in the server"; fi
    if grep -q "^user $rd_name " -- "${rd_users_kept:-$conf}"; then die "the user $rd_name is still in ${rd_users_kept:-$conf}"; fi
  done
}

# rd_drop_in_end: our drop-in of the unit goes. Where replform chose the data directory, the unit must go on to let it write there.
rd_drop_in_end() {
  rd_ours=$(rd_drop_in_file)
  [ -e "$rd_ours" ] || return 0
  if grep -q '^ReadWritePaths=' -- "$rd_ours" && rd_block_names | grep -qx dir; then
    printf '[Service]\nReadWritePaths=-%s\n' "$data" | write_file "${rd_ours%/*}/data-directory.conf" 0644 root:root ||
      die "${rd_ours%/*}/data-directory.conf can't be written"
    note "${rd_ours%/*}/data-directory.conf stays: without it $unit couldn't write into $data"
  fi
  rm -f -- "$rd_ours" || die "$rd_ours can't be removed"
  rmdir -- "${rd_ours%/*}" 2>/dev/null
  systemctl daemon-reload
  changed "removed $rd_ours"
}

# rd_tls_remove: keys and certificates of ours go. Nothing may be configured to read them any more.
rd_tls_remove() {
  rd_tls=${conf%/*}/replform-$port
  [ -d "$rd_tls" ] || return 0
  if rd_conf_lines "$conf" | grep -qF -- "$rd_tls/"; then die "$conf still names $rd_tls: nothing was removed there"; fi
  rm -rf --one-file-system -- "$rd_tls" || die "$rd_tls can't be removed"
  changed "removed $rd_tls"
}

# rd_quoted TEXT: a value as the configuration and the client's lines take it.
rd_quoted() { printf '"%s"' "$(printf '%s\n' "$1" | sed 's/[\\"]/\\&/g')"; }

# rd_block_replica: our part of a replica's configuration: `settings` (lines NAME VALUE) and the words that it needs.
rd_block_replica() {
  {
    printf '%s\n' "$settings"
    printf 'masteruser %s\nmasterauth %s\n' "$role" "$(rd_quoted "$(rd_word 1)")"
    [ -z "$(rd_word 2)" ] || printf 'requirepass %s\n' "$(rd_quoted "$(rd_word 2)")"
  } | rd_block_put
}

# rd_covered REPLID OFFSET: dies unless the upstream can still go on from there by a partial resync. Sets `upstream_info`.
rd_covered() {
  upstream_info=$(echo 'INFO replication' | rd_upstream)
  up_id=$(printf '%s\n' "$upstream_info" | rd_field master_replid)
  [ -n "$up_id" ] || die "the upstream doesn't tell its place: $(printf '%s' "$upstream_info" | head -n 1)"
  up_id2=$(printf '%s\n' "$upstream_info" | rd_field master_replid2)
  up_end=$(printf '%s\n' "$upstream_info" | rd_field master_repl_offset)
  up_second=$(printf '%s\n' "$upstream_info" | rd_field second_repl_offset)
  up_first=$(printf '%s\n' "$upstream_info" | rd_field repl_backlog_first_byte_offset)
  [ "$(printf '%s\n' "$upstream_info" | rd_field repl_backlog_active)" = 1 ] || die "the upstream keeps no backlog, so nothing can go on from a copy: plan again"
  case $1 in
    "$up_id") [ "$2" -le "$up_end" ] || die "the copy is ahead of the upstream, which lost writes since: plan again" ;;
    "$up_id2") [ $(($2 + 1)) -le "$up_second" ] || die "the upstream left the copy's history before its end: plan again" ;;
    *) die "the upstream is on another history than the copy (it restarted without its data?): plan again" ;;
  esac
  [ $(($2 + 1)) -ge "$up_first" ] ||
    die "more was written since the copy than the upstream's backlog holds ($((up_end - $2)) bytes): write a larger retain, or copy at a quieter time"
}

rd_drop_in_file() { printf '/etc/systemd/system/%s.d/replform.conf' "$unit"; }

# rd_drop_in [LINE…]: our drop-in of the unit. An address may come later at boot than the server does: it is tried until it is
# there, where systemd would give up after five times. LINE: more of its [Service] section.
rd_drop_in() {
  rd_text=$(
    printf '%s\n' '# Written by replform; taken away when the replication is.' '[Unit]' 'StartLimitIntervalSec=0'
    [ $# -eq 0 ] || printf '%s\n' '[Service]' "$@"
  )
  if [ "$(cat -- "$(rd_drop_in_file)" 2>/dev/null)" = "$rd_text" ]; then return 0; fi
  mkdir -p -- "$(rd_drop_in_file | sed 's|/[^/]*$||')" || die "$(rd_drop_in_file) can't be made"
  printf '%s\n' "$rd_text" | write_file "$(rd_drop_in_file)" 0644 root:root || die "$(rd_drop_in_file) can't be written"
  systemctl daemon-reload
  changed "$(rd_drop_in_file)"
}

# rd_drop_in_replica: that of a replica. Loading takes longer than the 90 s that systemd would wait for it; the unit lets its server
# write into Debian's data directory only.
rd_drop_in_replica() {
  case $data in
    "/var/lib/$kind") rd_drop_in TimeoutStartSec=infinity ;;
    *) rd_drop_in TimeoutStartSec=infinity "ReadWritePaths=-$data" ;;
  esac
}
