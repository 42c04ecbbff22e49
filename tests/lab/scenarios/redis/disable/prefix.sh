#!/bin/sh
# Prints number and checksum of what the writer wrote until $upto.
set -eu
redis-cli lrange writer 0 -1 | awk -v upto="${upto:?}" '$1 <= upto' | sort -n >/tmp/prefix
wc -l </tmp/prefix
sha1sum </tmp/prefix
rm /tmp/prefix
