#!/bin/sh
# Prints what this host keeps for replicas: slots, and the roles in our blocks of pg_hba.conf.
set -eu
cd /
ask() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c "$1"; }
ask "select 'slot '||slot_name from pg_replication_slots order by 1"
sed -n 's/^# replform begin \([^:]*\):.*/lines \1/p' "$(ask 'show hba_file')" | sort
