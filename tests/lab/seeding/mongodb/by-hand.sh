#!/bin/sh
# rs.add; the copy is mongod's own, and done when the member is a secondary.
set -eu
printf 'storage:\n  dbPath: /var/lib/mongodb\nnet:\n  port: 27017\n  bindIp: 127.0.0.1,%s\nreplication:\n  replSetName: orders\nsystemLog:\n  destination: file\n  path: /var/log/mongodb/mongod.log\n' "${me:?}" >/etc/mongod.conf
systemctl restart mongod
until labmongo position >/dev/null 2>&1; do sleep 0.1; done
begun=$(date +%s.%N)
sh /root/set.sh add "${primary:?}" "$me"
until labmongo applied "$primary" 0 2>/dev/null; do sleep 0.1; done
whole=$(date +%s.%N)
echo "copied $(echo "$whole $begun" | awk '{ print $1 - $2 }')"
echo "whole $(echo "$whole $begun" | awk '{ print $1 - $2 }')"
