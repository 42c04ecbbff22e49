#!/bin/sh
# Ends well when this server is read-only, reads from $primary by GTID and has applied $position.
set -eu
status=$(mariadb -e 'show slave status\G' | tr -s ' ')
for wanted in "Master_Host: ${primary:?}" 'Slave_IO_Running: Yes' 'Slave_SQL_Running: Yes' 'Using_Gtid: Slave_Pos'; do
  printf '%s\n' "$status" | grep -q "$wanted\$"
done
ask() { mariadb --batch --skip-column-names -e "$1"; }
[ "$(ask "select variable_value from information_schema.global_variables where variable_name = 'read_only'")" != OFF ]
[ "$(ask "select master_gtid_wait('${position:?}', 0)")" = 0 ]
