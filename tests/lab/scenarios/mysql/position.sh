#!/bin/sh
# Prints the transactions that a replica must have executed to hold all that was written here until now.
set -eu
mysql -NBre 'select @@global.gtid_executed' | tr -d '\n'
