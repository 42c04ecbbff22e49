#!/bin/sh
# Prints what of replform's is on this host: files (but for data that was set aside), accounts, who reads the binlog, settings.
set -eu
ls -d /var/lib/replform 2>/dev/null || true
find /etc /var/lib/mysql -name '*replform*' 2>/dev/null
grep -rl replform /etc/mysql /etc/acme 2>/dev/null || true
grep -h = /etc/mysql/mariadb.conf.d/99-replform.cnf 2>/dev/null || true
mariadb --batch --skip-column-names -e "
  select concat('account ', user, '@', host) from mysql.user where user like 'replform%';
  select concat('connection of ', user) from information_schema.processlist where user like 'replform%' or command like 'Binlog Dump%';
  select concat('follows ', variable_value) from information_schema.global_status where variable_name = 'Slaves_connected' and variable_value <> '0'"
mariadb -e 'show all slaves status\G' | grep Master_Host || true
