#!/bin/sh
# Makes an administrator and has clients log in from then on, as an administrator would.
set -eu
labmongo user root canary-of-the-administrator
printf 'security:\n  authorization: enabled\n' >>/etc/mongod.conf
systemctl restart mongod
until labmongo position >/dev/null 2>&1; do sleep 0.1; done
