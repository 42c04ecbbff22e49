#!/bin/sh
# Prints the replication password, as the replica's own password file has it.
set -eu
cd /
file=$(runuser -u postgres -- psql -XAtqc 'select conninfo from pg_stat_wal_receiver' postgres |
  tr ' ' '\n' | sed -n 's/^passfile=//p')
sed 's/.*://' "$file"
