#!/bin/sh
# Keeps everybody from writing here, replication too, until the unit `hold` is stopped.
set -eu
systemd-run --quiet --unit=hold --collect mysql -e 'flush tables with read lock; select sleep(600)'
for _ in $(seq 100); do
  if mysql -BNe 'show processlist' | grep -q 'select sleep'; then exit 0; fi
  sleep 0.1
done
exit 1
