#!/bin/sh
# Makes an account that may take a base backup.
set -eu
cd /
runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 -d postgres -c "create role by_hand replication login password 'by-hand'"
echo 'host replication by_hand 10.77.1.0/24 scram-sha-256' >>/etc/postgresql/15/main/pg_hba.conf
runuser -u postgres -- psql -Xq -d postgres -c 'select pg_reload_conf()' >/dev/null
