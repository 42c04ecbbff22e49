#!/bin/sh
# Prints what of replform's is on this host: files (but for data that was set aside), roles, slots, lines in pg_hba.conf, settings.
set -eu
cd /
ls -d /var/lib/replform 2>/dev/null || true
find /etc /var/lib/postgresql -name '*replform*' ! -name '*.replform-2*' 2>/dev/null
grep -rl replform /etc/postgresql /etc/acme 2>/dev/null || true
ask() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -p "${port:-5432}" -c "$1"; }
ask "select 'role '||rolname from pg_roles where rolname like 'replform%'"
ask "select 'slot '||slot_name from pg_replication_slots"
ask "select 'setting '||name from pg_file_settings where sourcefile like '%replform%'"
