#!/bin/sh
# Prints the position that a replica must have applied to hold all that was written here until now.
set -eu
mariadb --batch --skip-column-names -e 'select @@gtid_binlog_pos'
