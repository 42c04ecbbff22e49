#!/bin/sh
# Prints the hash of the replica's password, as the primary keeps it.
set -eu
sed -n 's/^user replform_orders_reader on #\([0-9a-f]*\) .*/\1/p' /etc/redis/redis.conf | grep .
