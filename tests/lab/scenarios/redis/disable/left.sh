#!/bin/sh
# Prints what of replform's is on this host: files (but for data that was set aside), words in configurations, users.
set -eu
ls -d /var/lib/replform 2>/dev/null || true
find /etc /var/lib/redis /var/lib/redis.* -name '*replform*' ! -name '*.replform-2*' 2>/dev/null || true
grep -rl replform /etc/redis /etc/systemd/system /etc/acme 2>/dev/null || true
redis-cli acl list | grep replform || true
redis-cli config get '*' | grep replform || true
redis-cli info replication | tr -d '\r' | grep -E '^(role:slave|connected_slaves:[1-9])' || true
