#!/bin/sh
# Makes the primary write every statement and connection into its log.
set -eu
for setting in "log_statement = 'all'" 'log_connections = on'; do
  runuser -u postgres -- psql -Xqc "alter system set $setting" postgres
done
runuser -u postgres -- psql -Xqc 'select pg_reload_conf()' postgres >/dev/null
