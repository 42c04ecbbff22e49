#!/bin/sh
# A dump of the primary beside the data directory, checked.
set -eu
copy=/var/lib/redis/by-hand.rdb
begun=$(date +%s.%N)
REDISCLI_AUTH=by-hand runuser -u redis -- redis-cli -h "${primary:?}" --user by_hand --no-auth-warning --rdb "$copy" >/dev/null 2>&1 </dev/null
sync "$copy"
copied=$(date +%s.%N)
redis-check-rdb "$copy" >/dev/null
whole=$(date +%s.%N)
echo "copied $(echo "$copied $begun" | awk '{ print $1 - $2 }')"
echo "whole $(echo "$whole $begun" | awk '{ print $1 - $2 }')"
