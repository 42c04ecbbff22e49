#!/bin/sh
# Makes the database shop, and lets the server write down all that it would sooner or later write by itself, so that a
# checksum over its files stays the same.
set -eu
cd /
sql() { runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d "$1" -c "$2" >/dev/null; }
sql postgres 'create database shop'
sql postgres 'alter system set autovacuum = off'
sql postgres 'select pg_reload_conf()'
for database in postgres shop template1; do sql "$database" 'vacuum (freeze, analyze)'; done
sql postgres checkpoint
