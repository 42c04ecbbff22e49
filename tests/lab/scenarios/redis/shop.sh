#!/bin/sh
# Somebody's data, on disk.
set -eu
for kind in redis valkey; do [ -e "/etc/$kind/$kind.conf" ] && break; done
REDISCLI_AUTH=$(sed -n "s/^requirepass \"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "/etc/$kind/$kind.conf" | tail -n 1)
[ -z "$REDISCLI_AUTH" ] || export REDISCLI_AUTH
"$kind-cli" >/dev/null <<'COMMANDS'
SET shop:owner somebody
SELECT 3
SET shop:other yes
SAVE
COMMANDS
