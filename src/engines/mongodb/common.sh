# shellcheck shell=sh disable=SC2154,SC2034,SC2119,SC2120
# What MongoDB's step scripts share: where a unit's parts are, asking its server, starting and stopping it, its file. Stands
# between what all engines share and the script. Changes nothing by itself; each function can be run again.
#
# Variables from the plan: unit (mongod.service), port. mongo_place sets: command user settings conf data key log hosts.
# Root has no way around MongoDB's authentication; where there is a key file, its text is the password of __system.

mongo_place() {
  [ -x /usr/bin/perl ] || die "this host has no perl (package perl-base): replform talks to MongoDB by it"
  command=$(mongo_command)
  [ -n "$command" ] || die "this host has no unit $unit that starts a mongod"
  user=$(timeout 10 systemctl show -p User --value "$unit")
  user=${user:-root}
  mongo_read
}

# mongo_read: the settings that the unit's files give now.
mongo_read() {
  settings=$(mongo_settings)
  [ -n "$settings" ] || die "the mongod of $unit refuses its own settings: $(mongo_refusal)"
  conf=$(mongo_setting config) data=$(mongo_setting storage.dbPath) key=$(mongo_setting security.keyFile) log=$(mongo_setting systemLog.path)
  data=${data:-/data/db} hosts=$(mongo_hosts)
  [ -f "$conf" ] || die "the mongod of $unit reads no configuration file, so replform can't set anything for it"
  case $data in
    /?*/?*) ;;
    *) die "the data directory of $unit isn't usable: \"$data\"" ;;
  esac
}

# mongo_refusal [ARGUMENT...]: why mongod refuses its settings, in one line.
mongo_refusal() {
  # shellcheck disable=SC2086 # the command's words
  timeout 10 runuser -u "$user" -- $command "$@" --outputConfig 2>&1 >/dev/null </dev/null | grep -v '^try ' | head -n 2 | tr '\n' ' ' | cut -c 1-300
}

# mongo OPERATION WORD...: asks the local server.
mongo() {
  mongo_operation=$1
  shift
  mongo_client "$mongo_operation" "$hosts" "$port" "$key" "$@"
}

# mongo_said TEXT: the last line of what the client said.
mongo_said() { printf '%s\n' "$1" | grep . | tail -n 1; }

# mongo_pid: the unit's main process; empty when it doesn't run.
mongo_pid() {
  mongo_main=$(timeout 10 systemctl show -p MainPID --value "$unit")
  [ "${mongo_main:-0}" = 0 ] || printf '%s' "$mongo_main"
}

mongo_is_down() { [ -z "$(mongo_pid)" ] && ! data_used "$data"; }

# mongo_look: reads state (standalone, uninitiated, primary, secondary, arbiter, other; silent; down), set_now and me_now.
mongo_look() {
  state=down set_now=- me_now=-
  if [ -z "$(mongo_pid)" ]; then return 0; fi
  looked=$(mongo_limit=7 mongo state 2>/dev/null) || looked='silent - -'
  read -r state set_now me_now <<LOOKED
$looked
LOOKED
}

# The errors in the server's log since mongo_log_mark, in one line; what it says at its start stands in the journal.
mongo_log_mark() { log_mark=$(stat -c %s -- "$log" 2>/dev/null || echo 0); }
mongo_log_tail() {
  {
    tail -c "+$((${log_mark:-0} + 1))" -- "$log" 2>/dev/null | grep -aE '"s":"[EF]"' | tail -n 3 |
      sed -E 's/.*"msg":"([^"]*)"(.*"(error|reason|errmsg)":(\{[^}]*"errmsg":)?"([^"]*)".*)?.*/\1: \5/; s/: $//'
    timeout 10 journalctl -q -o cat --no-pager -u "$unit" --since "@${start_second:-0}" 2>/dev/null | grep -iE 'error|required|fail|too open' | grep -v '^{' | tail -n 2
  } | awk '!seen[$0]++ { printf "%s%s", between, $0; between = "; " }' | cut -c 1-600
}

# mongo_answers: whether the server answers now.
mongo_answers() {
  mongo_look
  [ "$state" != silent ] && [ "$state" != down ]
}

# Whether a start has come to an end, good or bad.
mongo_start_ended() {
  if mongo_answers; then return 0; fi
  case $(timeout 10 systemctl show -p ActiveState --value "$unit") in
    failed | inactive) return 0 ;;
  esac
  return 1
}

# mongo_await SECONDS: waits for a server that was told to start. Fails when it doesn't come to answer.
mongo_await() {
  wait_until "$1" mongo_start_ended
  mongo_answers
}

# mongo_start SECONDS
mongo_start() {
  mongo_log_mark
  start_second=$(date +%s)
  systemctl reset-failed "$unit" 2>/dev/null
  systemctl start --no-block "$unit" || return 1
  # The unit is `inactive` for a moment before its job begins.
  sleep 0.2
  mongo_await "$1"
}

# mongo_stop SECONDS: a clean stop; sees that no process of it is left.
mongo_stop() {
  systemctl stop --no-block "$unit" || return 1
  wait_until "$1" mongo_is_down
}

# mongo_conf_owner: owner and mode of the configuration file, as write_file wants them.
mongo_conf_owner() { stat -L -c '%U:%G' -- "$conf"; }
mongo_conf_mode() { stat -L -c '%a' -- "$conf"; }

# mongo_conf_text: the configuration with the plan's values in it; dies where the file's style isn't understood.
mongo_conf_text() {
  printf '%s\n' "$wanted" | mongo_conf "$conf"
}

# mongo_try_settings: mongod itself reads the new text before it takes the place of the old.
mongo_try_settings() {
  try_text=$(mongo_conf_text 2>&1) || die "the values can't be written into $try_text"
  try=$(mktemp /run/replform-mongod.XXXXXX) || die "no temporary file can be made"
  printf '%s\n' "$try_text" >"$try" && chown --reference="$conf" -- "$try" && chmod --reference="$conf" -- "$try"
  # A configuration that only root reads is read by the unit's user all the same here.
  [ "$user" = root ] || chown -- "$user" "$try"
  # shellcheck disable=SC2086 # the command's words
  try_said=$(set -- $command && shift && timeout 10 runuser -u "$user" -- "${command%% *}" --config "$try" --outputConfig 2>&1 </dev/null)
  try_code=$?
  rm -f -- "$try"
  [ "$try_code" = 0 ] || die "mongod refuses the new settings, so nothing was changed: $(printf '%s\n' "$try_said" | grep -v '^try ' | head -n 2 | tr '\n' ' ' | cut -c 1-300)"
}

# mongo_write_conf: writes the values; conf_before keeps the text of before. Fails when nothing was to be changed.
mongo_write_conf() {
  conf_before=$(cat -- "$conf")
  conf_after=$(mongo_conf_text) || die "$conf isn't understood"
  [ "$conf_before" != "$conf_after" ] || return 1
  printf '%s\n' "$conf_after" | write_file "$conf" "$(mongo_conf_mode)" "$(mongo_conf_owner)" || die "$conf can't be written"
  changed "$conf"
}

mongo_put_conf_back() {
  printf '%s\n' "$conf_before" | write_file "$conf" "$(mongo_conf_mode)" "$(mongo_conf_owner)" || die "$conf can't be put back"
  changed "$conf, put back"
}

# mongo_value NAME: the value of a `section.name=value` line of $wanted.
mongo_value() { printf '%s\n' "$wanted" | sed -n "s|^$1=||p" | tail -n 1; }

# mongo_settled: whether the files give every wanted value; else unsettled names the first that they don't.
mongo_settled() {
  mongo_read
  unsettled=''
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    if [ "$(mongo_setting "${line%%=*}")" != "${line#*=}" ]; then
      unsettled=${line%%=*}
      return 1
    fi
  done <<LINES
$wanted
LINES
}
