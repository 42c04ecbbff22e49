#!/bin/sh
# Ends well when this replica has received at least 30 MB of a copy that still goes on.
set -eu
copy=/var/lib/mysql-files/mysql.replform-copy
test -d "$copy" && test ! -e "$copy.verified"
test "$(du -sm "$copy" | cut -f 1)" -ge 30
