#!/bin/sh
# Prints every number that the writer's table holds here.
set -eu
cd /
runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -p "${port:-5432}" -c 'select n from writer'
