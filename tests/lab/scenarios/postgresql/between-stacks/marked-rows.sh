#!/bin/sh
# Writes rows that can be known again on the wire.
set -eu
cd /
runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 -d postgres <<'END'
create table if not exists marked (n int, text text);
alter table marked alter column text set storage external;
insert into marked select n, 'canary-row-5b7e ' || n from generate_series(1, 5000) n;
END
