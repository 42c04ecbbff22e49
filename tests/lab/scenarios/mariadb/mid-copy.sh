#!/bin/sh
# Ends well when this host has got at least 30 MB of a copy that still goes on.
set -eu
got=$(du -sb "${directory:-/var/lib/mysql}.replform-copy" | cut -f 1)
[ "$got" -gt 30000000 ] && [ ! -e "${directory:-/var/lib/mysql}.replform-copy.verified" ]
