#!/bin/sh
# Makes the primary write every statement into its log, also after a restart.
set -eu
printf '[mysqld]\ngeneral_log = ON\ngeneral_log_file = /var/log/mysql/all.log\nlog_error_verbosity = 3\n' >/etc/mysql/mysql.conf.d/all.cnf
mysql -e "set global general_log_file = '/var/log/mysql/all.log'; set global general_log = ON; set global log_error_verbosity = 3"
