#!/bin/sh
# Gives the primary a table that says $name.
set -eu
runuser -u postgres -- psql -Xqc "create table whose as select '${name:?}' as name" postgres
