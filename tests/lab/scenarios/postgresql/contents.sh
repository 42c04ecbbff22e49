#!/bin/bash
# Prints a checksum for the rows of every table of every database here, in the order they are stored in.
set -euo pipefail
cd /
ask() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -p "${port:-5432}" "$@"; }
for database in $(ask -d postgres -c 'select datname from pg_database where datallowconn order by 1'); do
  ask -d "$database" -c "select format('%I.%I', schemaname, tablename) from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema') order by 1" |
    while read -r table; do
      printf '%s %s %s\n' "$database" "$table" "$(ask -d "$database" -c "copy $table to stdout" </dev/null | sha256sum)"
    done
done
