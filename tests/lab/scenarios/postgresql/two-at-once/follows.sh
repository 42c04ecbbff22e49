#!/bin/sh
# Prints whose data the server on $port has, and from where it streams.
set -eu
cd /
runuser -u postgres -- psql -XAtq -p "${port:?}" -d postgres -c \
  'select w.name, r.sender_host, r.status from whose w, pg_stat_wal_receiver r'
