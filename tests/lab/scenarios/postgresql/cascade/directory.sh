#!/bin/sh
# Prints which data directory is in place, and what was set aside: a copy would change both.
set -eu
stat -c %i /var/lib/postgresql/15/main
ls -d /var/lib/postgresql/15/main.replform-* 2>/dev/null || true
