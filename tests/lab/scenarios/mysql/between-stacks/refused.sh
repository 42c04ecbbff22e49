#!/bin/sh
# Lets the channel connect anew, and prints why it can't.
set -eu
mysql -e 'stop replica io_thread; start replica io_thread'
for _ in $(seq 100); do
  why=$(mysql -NBe 'select last_error_message from performance_schema.replication_connection_status')
  case $why in '' | *error*reconnecting*attempt*0/*) sleep 0.2 ;; *) break ;; esac
done
printf '%s\n' "$why"
