#!/bin/sh
# Lets the connection to the upstream be made anew, and prints why it can't.
set -eu
mariadb -e 'stop slave io_thread; start slave io_thread'
for _ in $(seq 100); do
  why=$(mariadb -e 'show slave status\G' | sed -n 's/^ *Last_IO_Error: //p')
  [ -z "$why" ] || break
  sleep 0.2
done
printf '%s\n' "$why"
