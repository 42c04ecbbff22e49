#!/bin/sh
# Makes the primary listen on the network, as one does that has replicas already.
set -eu
cat >/etc/postgresql/15/main/conf.d/10-site.conf <<'END'
listen_addresses = '*'
wal_log_hints = on
END
systemctl restart postgresql@15-main
until runuser -u postgres -- psql -Xqc 'select 1' postgres >/dev/null 2>&1; do sleep 0.1; done
