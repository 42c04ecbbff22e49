#!/bin/sh
# Ends well when this server is read-only, reads from $primary by GTID and has applied $position.
set -eu
status=$(mariadb -e 'show slave status\G' | tr -s ' ')
for wanted in "Master_Host: ${primary:?}" 'Slave_IO_Running: Yes' 'Slave_SQL_Running: Yes' 'Using_Gtid: Slave_Pos'; do
  printf '%s\n' "$status" | grep -q "$wanted\$"
done
[ "$(mariadb --batch --skip-column-names -e "select concat(@@read_only, ' ', master_gtid_wait('${position:?}', 0))")" = '1 0' ]
