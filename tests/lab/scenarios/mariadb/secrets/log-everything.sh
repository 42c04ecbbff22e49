#!/bin/sh
# Makes the primary write every statement into its logs, where a careless administrator would.
set -eu
install -d -o mysql -g adm /var/log/mysql
mariadb -e "set global general_log_file = '/var/log/mysql/general.log', general_log = 1,
 slow_query_log_file = '/var/log/mysql/slow.log', slow_query_log = 1, long_query_time = 0, log_slow_admin_statements = 1"
