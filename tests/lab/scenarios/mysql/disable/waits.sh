#!/bin/sh
# Ends well while a connection is in $statement.
set -eu
mysql -BNe 'show full processlist' | grep -v processlist | grep -qi "${statement:?}"
