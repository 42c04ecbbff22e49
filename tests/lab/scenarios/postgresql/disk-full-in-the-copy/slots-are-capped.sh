#!/bin/sh
# Ends well when no slot that nobody reads from can hold log for ever.
set -eu
ask() { runuser -u postgres -- psql -XAtqc "$1" postgres; }
[ "$(ask 'select count(*) from pg_replication_slots where not active')" = 0 ] ||
  [ "$(ask 'show max_slot_wal_keep_size')" != -1 ]
