#!/bin/sh
# Drops every slot, and lets the server recycle the log that they kept.
set -eu
cd /
sql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c "$1" >/dev/null; }
sql 'select pg_drop_replication_slot(slot_name) from pg_replication_slots'
sql 'select pg_switch_wal()'
sql checkpoint
