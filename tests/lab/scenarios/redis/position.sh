#!/bin/sh
# Prints the place that a replica must have applied to hold all that was written here until now: history and offset.
set -eu
for kind in redis valkey; do [ -e "/etc/$kind/$kind.conf" ] && break; done
REDISCLI_AUTH=$(sed -n "s/^requirepass \"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "/etc/$kind/$kind.conf" | tail -n 1)
[ -z "$REDISCLI_AUTH" ] || export REDISCLI_AUTH
state=$(echo 'INFO replication' | "$kind-cli" | tr -d '\r')
printf '%s:%s\n' "$(printf '%s\n' "$state" | sed -n 's/^master_replid://p')" "$(printf '%s\n' "$state" | sed -n 's/^master_repl_offset://p')"
