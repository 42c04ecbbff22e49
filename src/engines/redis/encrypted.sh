# shellcheck shell=sh disable=SC2154
# Proves, on the upstream, that a replica's connections come by its TLS port. One that stood before TLS was wanted goes on in clear,
# so it is ended here: the replica is back by TLS within a second, with a partial resync.
#
# Changes: connections of that user to the plain port end. Proves: the user replicates, by the TLS port only, which asks every
# client for a certificate. Can be run again.
# Variables: kind, conf, port; role, tls_port.

check() {
  rd_place
  own_name "$role"
  rd_running
}

# encrypted_clients: `ID PORT` of each connection of the user.
encrypted_clients() {
  echo 'CLIENT LIST TYPE replica' | rd_ask | awk -v user="user=$role" '{
    id = port = ""; own = 0
    for (i = 1; i <= NF; i++) {
      if ($i == user) own = 1
      if ($i ~ /^id=/) id = substr($i, 4)
      if ($i ~ /^laddr=/) { count = split($i, part, ":"); port = part[count] }
    }
    if (own) print id, port
  }'
}

run() {
  encrypted_clients | while read -r id at; do
    if [ "$at" = "$tls_port" ]; then continue; fi
    printf 'CLIENT KILL ID %s\n' "$id" | rd_ask >/dev/null
    changed "ended an unencrypted connection of $role"
  done
}

encrypted_now() {
  encrypted_ports=$(encrypted_clients | cut -d ' ' -f 2 | sort -u)
  [ "$encrypted_ports" = "$tls_port" ]
}

verify() {
  encrypted_ports=''
  wait_until 60 encrypted_now || die "$role replicates through port ${encrypted_ports:-none}, not through $tls_port alone"
  [ "$(rd_get tls-auth-clients)" = yes ] || die "the server asks nobody for a certificate (tls-auth-clients is $(rd_get tls-auth-clients))"
  note "encrypted: by port $tls_port, which asks for a certificate"
}
