#!/bin/sh
# Logs in to the upstream as the replica does, and prints what comes of it.
set -u
cd /
conninfo=$(runuser -u postgres -- psql -XAtc 'show primary_conninfo' postgres)
runuser -u postgres -- psql -XAtw -d "$conninfo replication=true" -c 'IDENTIFY_SYSTEM' 2>&1
