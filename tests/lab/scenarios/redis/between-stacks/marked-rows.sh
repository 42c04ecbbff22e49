#!/bin/sh
# Writes keys that can be known again on the wire.
set -eu
for n in $(seq 500); do echo "RPUSH marked \"canary-row-5b7e $n\""; done | redis-cli >/dev/null
