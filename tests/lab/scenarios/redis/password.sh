#!/bin/sh
# Gives the server the password $word, now and after a restart.
set -eu
for kind in redis valkey; do [ -e "/etc/$kind/$kind.conf" ] && break; done
printf 'CONFIG SET requirepass "%s"\n' "${word:?}" | "$kind-cli" | grep -qx OK
printf 'requirepass %s\n' "$word" >>"/etc/$kind/$kind.conf"
