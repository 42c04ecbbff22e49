#!/bin/sh
# Replaces this replica's certificate by one of the same name that another authority signed.
set -eu
cd /etc/redis/replform-6379
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 -subj '/CN=somebody else' -keyout /tmp/other.key -out /tmp/other.crt 2>/dev/null
openssl req -new -key member.key -subj '/CN=replform_orders_reader' -out /tmp/request
printf 'subjectAltName=IP:10.77.2.11\n' >/tmp/names
openssl x509 -req -in /tmp/request -CA /tmp/other.crt -CAkey /tmp/other.key -CAcreateserial -days 10 -extfile /tmp/names -out /tmp/foreign.crt 2>/dev/null
cat /tmp/foreign.crt >member.crt
