#!/bin/sh
# Puts a certificate of the user's own on $host, for $address, signed by own/$authority.crt, which lives $days days; the server there takes it up.
set -eu
umask 077
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=db" -keyout own/member.key -out own/request 2>/dev/null
printf 'subjectAltName=IP:%s\n' "${address:?}" >own/names
openssl x509 -req -in own/request -CA "own/${authority:?}.crt" -CAkey "own/$authority.key" -CAcreateserial -days "${days:?}" -extfile own/names -out own/member.crt 2>/dev/null
tar -C own -c ca.crt member.crt member.key | ssh -F none -i "$HOME/.ssh/id_ed25519" -o "UserKnownHostsFile=$HOME/.ssh/known_hosts" "root@${host:?}" 'mkdir -p /etc/own && tar -C /etc/own -x --no-same-owner &&
  chown -R postgres:postgres /etc/own && chmod 0755 /etc/own && cd / && sleep 1.5 &&
  runuser -u postgres -- psql -Xqc "select pg_reload_conf()" postgres' >/dev/null
