#!/bin/bash
# mariadb-backup's stream, unpacked and prepared beside the data directory.
set -euo pipefail
copy=/var/lib/by-hand
mkdir "$copy"
begun=$(date +%s.%N)
socat -u "TCP:${primary:?}:4500" STDIO | mbstream -x -C "$copy"
copied=$(date +%s.%N)
mariadb-backup --prepare --use-memory=1G --target-dir="$copy" 2>&1 | tail -n 1 | grep -q 'completed OK!'
chown -R mysql:mysql "$copy"
whole=$(date +%s.%N)
[ -s "$copy/ibdata1" ]
echo "copied $(echo "$copied $begun" | awk '{ print $1 - $2 }')"
echo "whole $(echo "$whole $begun" | awk '{ print $1 - $2 }')"
