#!/bin/sh
# Loads $megabytes that can't be compressed, one key each, and one key of every other kind, in two databases; saves them.
set -eu
for kind in redis valkey; do [ -e "/etc/$kind/$kind.conf" ] && break; done
REDISCLI_AUTH=$(sed -n "s/^requirepass \"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "/etc/$kind/$kind.conf" | tail -n 1)
[ -z "$REDISCLI_AUTH" ] || export REDISCLI_AUTH
n=0
while [ "$n" -lt "${megabytes:?}" ]; do
  n=$((n + 1))
  head -c 1000000 /dev/urandom | "$kind-cli" -x set "ballast:$n"
done >/dev/null
"$kind-cli" >/dev/null <<'COMMANDS'
HSET shop:1 name "A's shop" town Oslo
ZADD prices 1.5 tea 2.5 coffee
SADD colours red green blue
XADD log 1-1 level info
SET soon gone EX 86400
FUNCTION LOAD "#!lua name=shop\nredis.register_function('one', function() return 1 end)"
SELECT 3
SET other:database yes
SAVE
COMMANDS
