#!/bin/bash
# Prints a checksum for the rows of every table of every schema here, in the order of their keys, and for its definition.
set -euo pipefail
tables="select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'
  and table_schema not in ('mysql', 'sys', 'performance_schema', 'information_schema') order by 1, 2"
mysql -NBe "$tables" | while read -r schema table; do
  rows=$(mysql -NB -e "select * from \`$schema\`.\`$table\`" </dev/null | sha256sum)
  made=$(mysql -NB -e "show create table \`$schema\`.\`$table\`" </dev/null | sed 's/ AUTO_INCREMENT=[0-9]*//' | sha256sum)
  printf '%s.%s %s %s\n' "$schema" "$table" "${rows%% *}" "${made%% *}"
done
