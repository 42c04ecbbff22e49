#!/bin/sh
# Ends well while a connection is in $statement.
set -eu
mariadb -BNe 'show full processlist' | grep -v processlist | grep -qi "${statement:?}"
