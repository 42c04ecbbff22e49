#!/bin/sh
# Ends well when this server is a standby that streams from $primary and has replayed $position.
set -eu
cd /
answer=$(runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -p "${port:-5432}" -c "
  select pg_is_in_recovery() and pg_last_wal_replay_lsn() >= '${position:?}'
    and exists (select from pg_stat_wal_receiver where status = 'streaming' and sender_host = '${primary:?}')")
[ "$answer" = t ]
