#!/bin/sh
# Ends the capture and prints in how many of its lines $text stands, and whether it holds anything at all.
set -eu
systemctl stop capture
[ "$(stat -c %s /tmp/capture)" -gt 20000 ] || { echo "only $(stat -c %s /tmp/capture) bytes were captured" >&2; exit 1; }
if grep -aqF -- "${text:?}" /tmp/capture; then echo "in clear: $text"; else echo 'not to be read'; fi
