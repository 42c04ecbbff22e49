#!/bin/sh
# Prints the writer's last number here.
set -eu
cd /
runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c 'select max(n) from writer'
