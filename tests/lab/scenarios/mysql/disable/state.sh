#!/bin/sh
# Prints what an unlinked server must have as it had it before: its other files, its accounts, the settings in force.
set -eu
cd /etc/mysql
find . -type f ! -name zz-replform.cnf -exec sha256sum {} + | sort -k 2
mysql -NBe "
  select user, host, plugin, account_locked from mysql.user order by 1, 2;
  select variable_name, variable_value from performance_schema.global_variables where variable_name in
   ('log_bin', 'server_id', 'read_only', 'super_read_only', 'gtid_mode', 'enforce_gtid_consistency', 'ssl_ca', 'ssl_cert') order by 1"
