#!/bin/sh
# Prints the replication password, as the replica's server keeps it.
set -eu
mysql -NBre 'select user_password from mysql.slave_master_info'
