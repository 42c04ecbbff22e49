#!/bin/sh
# Prints what the configuration says and what the running server has: all settings, all users, the unit.
set -eu
sha1sum </etc/redis/redis.conf
stat -c '%U:%G %a' /etc/redis/redis.conf
redis-cli config get '*' | paste - - | sort
redis-cli acl list
systemctl cat redis-server
