#!/bin/sh
# A way to a server that takes its input in gulps with pauses between, so that whoever sends finds the way full again and again.
# Changes nothing but its scratch file GULP; proves nothing. Arguments: GULP, then the program that leads on, with its arguments.
set -u
gulp=$1
shift
while :; do
  sleep 0.03
  # The test's folder goes with the test.
  true >"$gulp" || break
  # The program sets the socket, which is its output, to non-blocking: dd fails when nothing has come, and at the end reads nothing.
  dd bs=1048576 count=1 >"$gulp" 2>/dev/null || continue
  [ -s "$gulp" ] || break
  cat "$gulp" || break
done | exec "$@"
