#!/bin/sh
# Prints number and checksum of what the writer wrote until $upto (all, where it isn't given).
set -eu
cd /
runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d postgres -c "
  select count(*)||' '||md5(string_agg(n::text, ',' order by n)) from writer where n <= ${upto:-9223372036854775807}"
