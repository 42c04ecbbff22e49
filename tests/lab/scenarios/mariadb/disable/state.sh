#!/bin/sh
# Prints what an unlinked server must have as it had it before: its other files, its accounts, the settings in force.
set -eu
cd /etc/mysql
find . -type f ! -name 99-replform.cnf -exec sha256sum {} + | sort -k 2
mariadb --batch --skip-column-names -e "
  select user, host, json_value(priv, '$.access'), json_value(priv, '$.plugin') from mysql.global_priv order by 1, 2;
  select variable_name, variable_value from information_schema.global_variables where variable_name in
   ('log_bin', 'server_id', 'read_only', 'log_slave_updates', 'binlog_format', 'gtid_strict_mode', 'sync_binlog') order by 1"
