#!/bin/sh
# Prints what of replform's is on this host: files (but for data that was set aside), accounts, connections, settings.
set -eu
ls -d /var/lib/replform 2>/dev/null || true
find /etc /var/lib/mysql /var/lib/mysql-files -name '*replform*' 2>/dev/null
grep -rl replform /etc/mysql /etc/acme 2>/dev/null || true
grep -h = /etc/mysql/mysql.conf.d/zz-replform.cnf 2>/dev/null || true
mysql -NBe "
  select concat('account ', user, '@', host) from mysql.user where user like 'replform%';
  select concat('connection of ', processlist_user) from performance_schema.threads where processlist_user like 'replform%' or processlist_command like 'Binlog Dump%';
  select concat('follows ', host) from performance_schema.replication_connection_configuration where host <> '';
  select concat('plugin ', plugin_name) from information_schema.plugins where plugin_name = 'clone';
  select concat('persisted ', variable_name) from performance_schema.persisted_variables"
