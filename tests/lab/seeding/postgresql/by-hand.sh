#!/bin/sh
# A base backup beside the data directory, checked against its manifest.
set -eu
cd /
PATH=$PATH:/usr/lib/postgresql/15/bin
begun=$(date +%s.%N)
runuser -u postgres -- env PGPASSWORD=by-hand pg_basebackup -h "${primary:?}" -U by_hand -D /var/lib/postgresql/15/by-hand \
  -X stream --checkpoint=fast --manifest-checksums=SHA256
copied=$(date +%s.%N)
runuser -u postgres -- "$(command -v pg_verifybackup)" /var/lib/postgresql/15/by-hand >/dev/null
sync -f /var/lib/postgresql/15/by-hand
whole=$(date +%s.%N)
echo "copied $(echo "$copied $begun" | awk '{ print $1 - $2 }')"
echo "whole $(echo "$whole $begun" | awk '{ print $1 - $2 }')"
