#!/bin/sh
# Ends well when this server is a read-only replica linked to $primary, on its history, and has applied $position.
set -eu
for kind in redis valkey; do [ -e "/etc/$kind/$kind.conf" ] && break; done
REDISCLI_AUTH=$(sed -n "s/^requirepass \"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "/etc/$kind/$kind.conf" | tail -n 1)
[ -z "$REDISCLI_AUTH" ] || export REDISCLI_AUTH
state=$(echo 'INFO replication' | "$kind-cli" | tr -d '\r')
: "${position:?}"
is() { printf '%s\n' "$state" | grep -qx "$1"; }
is role:slave && is "master_host:${primary:?}" && is master_link_status:up && is slave_read_only:1
is "master_replid:${position%:*}"
[ "$(printf '%s\n' "$state" | sed -n 's/^slave_repl_offset://p')" -ge "${position##*:}" ]
