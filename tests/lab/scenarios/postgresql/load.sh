#!/bin/sh
# Loads about $megabytes of rows into table ballast; each is too short for the server to compress it.
set -eu
cd /
rows=$((${megabytes:?} * 950))
runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 -d postgres <<END
create table ballast as select n, repeat(md5(n::text), 31) as filler from generate_series(1, $rows) n;
checkpoint;
END
