#!/bin/sh
# Makes the primary write down every copy that is begun.
set -eu
cd /
runuser -u postgres -- psql -Xqc 'alter system set log_replication_commands = on' postgres
runuser -u postgres -- psql -Xqc 'select pg_reload_conf()' postgres >/dev/null
