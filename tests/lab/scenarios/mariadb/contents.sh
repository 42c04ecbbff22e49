#!/bin/bash
# Prints a checksum for the definition and the rows of every table of every database here.
set -euo pipefail
ask() { mariadb --batch --skip-column-names -e "$1"; }
ask "select concat(table_schema, ' ', table_name) from information_schema.tables where table_type = 'BASE TABLE'
 and table_schema not in ('mysql', 'information_schema', 'performance_schema', 'sys') order by 1" |
  while read -r database table; do
    printf '%s %s %s\n' "$database" "$table" "$(mariadb-dump --skip-comments --single-transaction --order-by-primary \
      --hex-blob "$database" "$table" </dev/null | sha256sum)"
  done
