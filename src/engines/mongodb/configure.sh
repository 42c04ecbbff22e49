# shellcheck shell=sh disable=SC2154,SC2034
# Makes the primary ready: its values in mongod.conf, the key file where members are to log in to one another, one restart, and,
# where it isn't one yet, a replica set of one member, made right after the restart: in between the server takes no writes.
#
# Changes mongod.conf (only the plan's values; the rest stays as it is), the key file where none is there, the server. A server
# that doesn't come back gets its file as it was before. Proves that it is primary of the set, with those values. Can be run again:
# what is done is seen, and a server that was restarted and not made a set is made one.
# Variables: unit, port; wanted (lines `section.name=value`), expect (lines `section.name=value`: what the plan saw); set (its
# name), me (HOST:PORT of this member in the set), initiate (yes, no), restart (yes, no); key_text (empty: no key is made).
# Prints `measured no_writes` (seconds) when it restarts.

check() {
  mongo_place
  while IFS= read -r line; do
    [ -n "$line" ] || continue
    value=$(mongo_setting "${line%%=*}")
    if [ "$value" != "${line#*=}" ] && [ "$value" != "$(mongo_value "${line%%=*}")" ]; then
      die "${line%%=*} is \"$value\" now, the plan saw \"${line#*=}\": plan again"
    fi
  done <<LINES
$expect
LINES
  mongo_try_settings
  mongo_look
  case $state in
    standalone | uninitiated) [ "$initiate" = yes ] || die "the server is $state and not a member of a set: plan again" ;;
    primary) [ "$set_now" = "$set" ] || die "the server is primary of the set \"$set_now\", the plan saw \"$set\": plan again" ;;
    down) die "the mongod of $unit isn't running" ;;
    silent) die "the mongod of $unit gives no answer" ;;
    *) die "the server's state is $state now, the plan saw a primary: plan again" ;;
  esac
}

# A key that is there is never replaced: members may know it already.
configure_key() {
  file=$(mongo_value security.keyFile)
  [ -n "$file" ] || return 0
  if [ -s "$file" ]; then return 0; fi
  [ -n "$key_text" ] || die "the key file $file isn't there, and the plan makes none"
  printf '%s\n' "$key_text" | tr -- '-_' '+/' | write_file "$file" 0400 "$user:$(id -gn "$user")" || die "the key file $file can't be written"
  changed "key file $file"
}

configure_restart() {
  mongo_log_mark
  start_second=$(date +%s)
  old_pid=$(mongo_pid)
  t0=$(now)
  # Nobody may end this between the restart and the set: not even a reader who went away.
  trap '' HUP PIPE
  # One job for both: were this host's connection cut now, the server would still come back.
  systemctl restart --no-block "$unit" || die "systemd refused to restart $unit"
  wait_until 120 configure_gone || die "the server hasn't shut down within 120 s of being told to; it restarts by itself when that ends"
  mongo_await 120 || configure_failed
}

configure_gone() { [ "$(mongo_pid)" != "$old_pid" ]; }

configure_failed() {
  why=$(mongo_log_tail)
  [ "$state" = down ] || die "the server doesn't answer 120 s after its restart; it goes on by itself"
  mongo_put_conf_back
  mongo_read
  if mongo_start 120; then
    die "the server didn't start with the new settings ($why); it runs with those from before, after $(since "$t0") s"
  fi
  die "the server didn't start with the new settings ($why), nor with those from before ($(mongo_log_tail)): it is down"
}

configure_is_primary() {
  mongo_look
  [ "$state" = primary ]
}

run() {
  mongo_place
  configure_key
  t0=$(now)
  written=no
  if mongo_write_conf; then written=yes; fi
  mongo_read
  mongo_look
  # Its own arguments tell what a running server started with; a file that was written before it started is in force.
  if [ "$restart" = yes ] && { [ "$written" = yes ] || configure_waits; }; then
    configure_restart
    mongo_read
    restarted=yes
  fi
  if [ "$initiate" = yes ] && [ "$state" = uninitiated ]; then
    said=$(mongo initiate "$set" "$me" 2>&1) || die "the set can't be made: $(mongo_said "$said")"
    restarted=yes
    changed "replica set $set with $me"
  fi
  wait_until 60 configure_is_primary || die "the server isn't primary 60 s later; its state is $state: $(mongo_log_tail)"
  if [ "${restarted:-no}" = yes ]; then
    measured no_writes "$(since "$t0")"
    changed "restarted $unit"
  fi
}

# Whether the file is newer than the process: an earlier run was cut off before the restart.
configure_waits() {
  [ "$state" != uninitiated ] && [ -n "$(find "$conf" -newer "/proc/$(mongo_pid)" 2>/dev/null)" ]
}

verify() {
  mongo_settled || die "$conf doesn't give $unsettled as wanted"
  mongo_look
  [ "$state" = primary ] || die "the server's state is $state"
  [ "$set_now" = "$set" ] || die "the server is a member of \"$set_now\", not of \"$set\""
}
