# shellcheck shell=sh disable=SC2154,SC2034
# What stands between the prelude and a step's script when apply runs it: the instance's lock, the host's journal, the job's end.
#
# Changes /run/replform/lock (lock files) and the journal (tag replform); proves nothing; every function can be run again.
# Set before it: replform_who, replform_plan, replform_step; for a job also job (its folder) and replform_stall (seconds).
# A descriptor 9 holds the lock, and what the script leaves running holds it on: the next apply waits for that instead of running
# beside it. What must outlive a step gets `9>&-`.
# Exit codes of its own: 75 somebody holds the lock (stdout says `held WHO`).

# replform_journal TEXT: one line in the host's journal; a host without a journal is no reason to stop.
replform_journal() {
  logger -t replform -- "$replform_who plan=$replform_plan step=$replform_step $1" </dev/null ||
    printf 'note %s\n' "the journal of this host took no line"
}

# changed TEXT: what was really changed, for apply and for the journal.
changed() {
  printf 'changed %s\n' "$1"
  replform_journal "changed: $1"
}

# replform_lock FILE HOLDER SECONDS: holds the lock from here to the end of all that was started, or exits 75.
replform_lock() {
  (umask 022 && mkdir -p "${1%/*}") || exit 1
  exec 9>>"$1"
  if ! flock -w "$3" 9; then
    printf 'held %s\n' "$(head -n 1 -- "$1")"
    exit 75
  fi
  printf '%s\n' "$2" >"$1"
}

# replform_step_phases PHASE…: the phases, and their result in the journal when something may have been changed.
replform_step_phases() {
  (replform_main "$@")
  replform_code=$?
  case "$* $replform_code" in
    *run*' 0') replform_journal 'done' ;;
    *run*' 20') ;;
    *run*) replform_journal "failed, code $replform_code" ;;
  esac
  return "$replform_code"
}

# activity: whatever changes while a job gets on, for scripts whose progress stands still for long although they do.
activity() { progress; }

# replform_watch_progress PID: the script's own account of how far it is, each second, into the job's folder. When nothing of it
# has changed for replform_stall seconds, PID and all below it is ended.
replform_watch_progress() {
  replform_phase=progress replform_seen='' replform_round=0
  while sleep 1; do
    (progress) >"$job/progress.new" 2>/dev/null && mv -f -T -- "$job/progress.new" "$job/progress"
    replform_round=$((replform_round + 1))
    [ $((replform_round % (replform_stall / 60 + 1))) -eq 0 ] || continue
    replform_now=$( (activity) 2>/dev/null | cksum)
    if [ "$replform_now" != "$replform_seen" ]; then
      replform_seen=$replform_now replform_moved=$(replform_centiseconds)
    elif [ $(($(replform_centiseconds) - replform_moved)) -ge $((replform_stall * 100)) ]; then
      : >"$job/stalled"
      replform_end "$1"
      return
    fi
  done
}

replform_children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }

# replform_tree PID: all that descends from it.
replform_tree() {
  for replform_child in $(replform_children "$1"); do
    (replform_tree "$replform_child")
    printf '%s\n' "$replform_child"
  done
}

# replform_end PID: ends what works below it, so that its shells can still tidy up; after a minute, everything.
replform_end() {
  replform_works=$(replform_tree "$1")
  if wait_until 60 replform_ended "$1"; then return 0; fi
  for replform_pid in $(replform_tree "$1") "$1"; do kill -s KILL "$replform_pid" 2>/dev/null; done
}

replform_ended() {
  [ -e "/proc/$1" ] || return 0
  for replform_pid in $replform_works; do
    case $(cat "/proc/$replform_pid/comm" 2>/dev/null) in
      '' | sh | dash) ;;
      *) [ -n "$(replform_children "$replform_pid")" ] || kill -s TERM "$replform_pid" 2>/dev/null ;;
    esac
  done
  return 1
}

# replform_job ID HASH LOCKFILE: run and verify inside a unit. `status` is written when it ends by itself, and only then.
replform_job() {
  rm -f -- "/run/replform/jobs/${job##*/}/job.sh"
  # Its block is there before the disk may fill; the end is written over it.
  printf '%120s\n' '' >"$job/status.new"
  (replform_job_phases "$3")
  replform_code=$?
  printf '%s %s %s\n' "$1" "$2" "$replform_code" 1<>"$job/status.new" &&
    sync -- "$job/status.new" && mv -f -T -- "$job/status.new" "$job/status" && sync -- "$job"
  return "$replform_code"
}

replform_job_phases() {
  replform_lock "$1" "job ${job##*/}" 120
  rm -f -- "$job/stalled"
  replform_step_phases run verify &
  replform_worker=$!
  replform_watch_progress "$replform_worker" 9>&- &
  replform_watcher=$!
  wait "$replform_worker"
  replform_code=$?
  kill "$replform_watcher" 2>/dev/null
  wait "$replform_watcher" 2>/dev/null
  (replform_phase=progress && progress) >"$job/progress.new" 2>/dev/null && mv -f -T -- "$job/progress.new" "$job/progress"
  if [ -e "$job/stalled" ] && [ "$replform_code" -ne 0 ]; then
    printf 'nothing moved for %s min, so it was ended; look at the link and at the server at its other end, then apply again\n' \
      $((replform_stall / 60)) >&2
    return 21
  fi
  return "$replform_code"
}
