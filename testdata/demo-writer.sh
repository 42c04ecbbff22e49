#!/bin/bash
# The demo's application, run inside db1 as postgres: one row per commit every 5 ms or so into table orders.
# Appends "NUMBER SECONDS" to the file $1 for each commit that the server acknowledged; connects again at once when it
# loses its connection. Stopped by its unit.
set -u
log=$1
until psql -Xqc 'create table if not exists orders (n bigserial primary key, at timestamptz not null default now())'; do sleep 0.1; done
while :; do
  while echo 'insert into orders default values returning n;'; do sleep 0.005; done 2>/dev/null |
    psql -XAtq -v ON_ERROR_STOP=1 2>/dev/null |
    while read -r n; do echo "$n $EPOCHREALTIME"; done >>"$log"
  sleep 0.02
done
