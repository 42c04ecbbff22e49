# shellcheck shell=sh disable=SC2154
# Holds an apply's locks on this host for as long as its client sends a line at least each 10 s; frees them when it doesn't.
#
# Changes /run/replform/lock (one file a lock; its first line says who holds it). Proves nothing. Can be run again at any time.
# Variables: locks (files, one a line, in order), holder (one line), patience (seconds to wait, for all locks together).
# Prints for each lock `former FILE WHO`, who had it last as the file says (the same client, when nobody came in between), then
# `locked` once all are held; or `held FILE WHO` and exits 75; exits 76 when the client's lines stopped.

locks_beat() {
  while beat=$(timeout 10 head -n 1) && [ -n "$beat" ]; do
    [ "$beat" = beat ] || return 0
  done
  return 76
}

# Seconds that are left of the patience.
locks_left() {
  left=$((deadline - $(replform_centiseconds)))
  [ "$left" -gt 0 ] || left=0
  fraction "$left" / 100
}

# Each lock is held by a subshell of its own, the next one inside it: descriptor 9 is the only name that dash gives.
locks_take() {
  if [ $# -eq 0 ]; then
    echo locked
    locks_beat
    return
  fi
  (
    (umask 022 && mkdir -p "${1%/*}") || exit 1
    exec 9>>"$1"
    if ! flock -w "$(locks_left)" 9; then
      printf 'held %s %s\n' "${1##*/}" "$(head -n 1 -- "$1")"
      exit 75
    fi
    printf 'former %s %s\n' "${1##*/}" "$(head -n 1 -- "$1")"
    printf '%s\n' "$holder" >"$1"
    shift
    locks_take "$@"
  )
}

deadline=$(($(replform_centiseconds) + patience * 100))
set -f
IFS='
'
# shellcheck disable=SC2086 # one lock a line
set -- $locks
unset IFS
locks_take "$@"
