#!/bin/sh
# Prints the position that a replica must have replayed to hold all that was written here until now.
set -eu
cd /
runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -p "${port:-5432}" -c 'select pg_current_wal_lsn()'
