# shellcheck shell=sh disable=SC2154,SC2034
# What stands between the prelude and a step's script when apply runs it: the instance's lock, the host's journal, the job's end.
#
# Changes /run/replform/lock (lock files) and the journal (tag replform); proves nothing; every function can be run again.
# Set before it: replform_who, replform_plan, replform_step. A descriptor 9 holds the lock, and what the script leaves running
# holds it on: the next apply waits for that instead of running beside it. What must outlive a step gets `9>&-`.
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

# replform_watch_progress: the script's own account of how far it is, each second, into the job's folder.
replform_watch_progress() {
  replform_phase=progress
  while sleep 1; do
    (progress) >"$job/progress.new" 2>/dev/null && mv -f -T -- "$job/progress.new" "$job/progress"
  done
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
  replform_watch_progress 9>&- &
  replform_watcher=$!
  replform_step_phases run verify
  replform_code=$?
  kill "$replform_watcher" 2>/dev/null
  wait "$replform_watcher" 2>/dev/null
  (replform_phase=progress && progress) >"$job/progress.new" 2>/dev/null && mv -f -T -- "$job/progress.new" "$job/progress"
  return "$replform_code"
}
