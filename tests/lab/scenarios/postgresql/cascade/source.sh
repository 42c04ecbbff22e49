#!/bin/sh
# Prints whom this standby reads from.
set -eu
cd /
runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c "select sender_host||' '||slot_name from pg_stat_wal_receiver"
