#!/bin/sh
# Prints the password with which this replica logs in.
set -eu
sed -n 's/^masterauth "\(.*\)"$/\1/p' /etc/redis/redis.conf | grep .
