#!/bin/sh
# Sends a backup, unencrypted, to whoever connects: what a person does in a network of their own.
set -eu
cat >/root/send.sh <<'SEND'
exec mariadb-backup --backup --stream=mbstream --parallel=2 --target-dir=/tmp/by-hand --user=root 2>/tmp/by-hand.log
SEND
systemd-run -q --unit=by-hand --property=LimitNOFILE=524288 socat -U TCP-LISTEN:4500,reuseaddr,fork EXEC:'/bin/sh /root/send.sh'
until grep -q ':1194 ' /proc/net/tcp; do sleep 0.1; done
