#!/bin/sh
# Lets the server use the certificate that it has now, and its link be made anew; prints what its log says of that.
set -eu
place=/etc/redis/replform-6379
redis-cli CONFIG SET tls-cert-file $place/member.crt tls-key-file $place/member.key
redis-cli CLIENT KILL TYPE master >/dev/null
for _ in $(seq 50); do
  redis-cli INFO replication | tr -d '\r' | grep -x 'master_link_status:down' && break
  sleep 0.2
done
sleep 1
tail -n 20 /var/log/redis/redis-server.log | grep -aiE 'ssl|tls|SYNC' | tail -n 3
