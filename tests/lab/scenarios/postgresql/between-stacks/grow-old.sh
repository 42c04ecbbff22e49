#!/bin/sh
# Gives this primary a certificate as it has, of the same key and authority, that ends in 20 days; the server takes it up.
set -eu
cd /etc/postgresql/15/main/replform
home=/var/lib/replform/tls/acme.orders
openssl req -new -key member.key -subj '/CN=replform primary orders' -out /tmp/request
printf 'subjectAltName=IP:10.77.1.11\n' >/tmp/names
openssl x509 -req -in /tmp/request -CA $home/authority.crt -CAkey $home/authority.key -set_serial 7 -days 20 -extfile /tmp/names -out /tmp/old.crt 2>/dev/null
cat /tmp/old.crt >member.crt
cd / && runuser -u postgres -- psql -Xqc 'select pg_reload_conf()' postgres >/dev/null
