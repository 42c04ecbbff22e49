# shellcheck shell=sh disable=SC2154,SC2034
# Makes a server a member of the set, by one reconfiguration on whoever is primary, and waits until it has its copy (MongoDB's
# initial sync: backup and restore in one). It has no vote meanwhile, so the set's majority is what it was: votes.sh gives it one.
# Runs for as long as it takes: a job. The copy is mongod's own work: it goes on without this script.
#
# A member that stands gets its file back as it runs (wanted; empty for others): nothing restarts.
#
# Changes the marker, that file, the set's configuration (one member more; no other value), the server (started where it is stopped), the
# mark in its data directory. A server that holds something is never made a member: it would lose it. Proves that it is a
# secondary. Can be run again: a member is not added twice.
# Variables: unit, port; upstream (HOST:PORT of the primary's server), set, set_id (may be empty), me (HOST:PORT of this
# member), wanted (lines `section.name=value`), marker_json, marker_file. In a job: job (its folder), whose file `copied` progress reads.

check() {
  mongo_place
  reach_check "$upstream"
  [ "$(mongo_setting replication.replSetName)" = "$set" ] || [ "$(mongo_value replication.replSetName)" = "$set" ] || die "$conf doesn't name the set $set: it isn't configured for it"
  [ -z "$wanted" ] || mongo_try_settings
  mongo_look
  link_fits
}

link_fits() {
  case $state in
    down | uninitiated | silent) ;;
    secondary | other | primary)
      [ "$set_now" = "$set" ] || [ "$set_now" = - ] || die "the server is a member of the set \"$set_now\", not of \"$set\""
      ;;
    *) die "the server's state is $state: it isn't made a member over its data" ;;
  esac
}

# Looked at again at the last moment: what a member holds when it joins is gone.
link_holds_nothing() {
  [ "$state" = uninitiated ] || return 0
  # One that was a member of this very set goes on from what it has.
  [ -z "${set_id:-}" ] || [ "$(mongo set-id 2>/dev/null)" != "$set_id" ] || return 0
  found=$(mongo contents 2>&1) || die "the server doesn't tell what it holds: $(mongo_said "$found")"
  [ -z "$found" ] || die "the server holds data ($found), which it would lose as a member: plan again"
}

run() {
  mongo_place
  marker_write
  [ -z "$wanted" ] || ! mongo_write_conf || mongo_read
  mongo_look
  if [ "$state" = down ]; then
    mongo_start 600 || die "the server doesn't start: $(mongo_log_tail)"
    changed "started $unit"
  elif [ "$state" = silent ]; then
    mongo_await 600 || die "the server gives no answer"
  fi
  link_fits
  mongo_log_mark
  link_holds_nothing
  t0=$(now)
  said=$(mongo_limit=180 mongo add "$upstream" "${set_id:-}" "$me" 2>&1) || die "it can't be made a member: $(mongo_said "$said")"
  [ -z "$said" ] || changed "$said of the set $set"
  note "the server copies; it is a member already"
  mongo_limit=0 mongo follow "${job:+$job/copied}" 2>"${job:-/run}/follow.said" || link_failed
  rm -f -- "$data/replform.new" "${job:-/run}/follow.said"
  measured synced "$(since "$t0")"
  if [ -n "${job:-}" ] && read -r _ total 2>/dev/null <"$job/copied"; then measured bytes "$total"; fi
}

link_failed() {
  said=$(tail -n 1 -- "${job:-/run}/follow.said" 2>/dev/null)
  rm -f -- "${job:-/run}/follow.said"
  free=$(df -B1 --output=avail -- "$data" 2>/dev/null | tail -n 1 | tr -d ' ')
  [ "${free:-100000000}" -gt 50000000 ] || die "no space left on device: ${data%/*} is full, so mongod ended; make room, then apply again"
  die "the copy ended early: ${said:-no reason given}; its log: $(mongo_log_tail)"
}

verify() {
  mongo_place
  mongo_look
  case $state in
    secondary | primary) ;;
    *) die "the server's state is $state" ;;
  esac
}

progress() { cat -- "$job/copied"; }
