#!/bin/sh
# Prints where the secret on standard input stands on this host: journal, logs, markers, job folders, /tmp (and in it the
# command lines that record-commands.sh wrote down). Prints nothing where it stands nowhere. Changes nothing.
set -eu
read -r secret
pattern=$(mktemp -p /run)
trap 'rm -f "$pattern"' EXIT
printf '%s\n' "$secret" >"$pattern"
if journalctl --no-pager --all | grep -qFf "$pattern"; then echo journal; fi
for place in /tmp /var/log /var/lib/replform; do
  if [ -e "$place" ]; then grep -rlFf "$pattern" "$place" || true; fi
done
