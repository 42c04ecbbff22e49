#!/bin/sh
# Ends in the moment in which another data directory has taken the place of the one that is there now.
set -eu
main=/var/lib/postgresql/15/main
before=$(stat -c %i $main 2>/dev/null || true)
until [ -e $main/PG_VERSION ] && [ "$(stat -c %i $main)" != "$before" ]; do :; done
