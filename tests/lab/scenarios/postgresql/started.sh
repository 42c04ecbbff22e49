#!/bin/sh
# Prints when the server was started.
set -eu
cd /
runuser -u postgres -- psql -XAtqc 'select pg_postmaster_start_time()' postgres
