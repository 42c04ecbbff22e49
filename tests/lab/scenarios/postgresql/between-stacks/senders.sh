#!/bin/sh
# Prints who reads the log here, by which process.
set -eu
cd /
runuser -u postgres -- psql -XAtc 'select usename, ssl, pid from pg_stat_replication join pg_stat_ssl using (pid)' postgres
