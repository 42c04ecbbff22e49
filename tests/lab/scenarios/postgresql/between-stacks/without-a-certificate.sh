#!/bin/sh
# Tries to log in as the replica with its password, first by TLS without its certificate, then in clear; prints what the upstream says.
set -u
cd /
conninfo=$(runuser -u postgres -- psql -XAtc 'show primary_conninfo' postgres | sed -E 's/ ssl(mode|cert|key|rootcert)=[^ ]*//g')
for how in 'sslmode=require sslcert=/none sslkey=/none' 'sslmode=disable'; do
  if runuser -u postgres -- psql -w -d "$conninfo replication=true $how" -c 'IDENTIFY_SYSTEM' 2>&1; then
    echo 'it was let in'
    exit 1
  fi
done
