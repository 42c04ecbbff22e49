#!/bin/sh
# Makes an account that may clone.
set -eu
mysql <<'SQL'
create user by_hand@'10.77.1.%' identified by 'by-hand';
grant backup_admin on *.* to by_hand@'10.77.1.%';
SQL
