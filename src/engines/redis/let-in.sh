# shellcheck shell=sh disable=SC2154
# Proves that the upstream lets this replica in with the certificate and password that it has now, before a connection that stands ends.
#
# Changes nothing, in any phase. Can be run again.
# Variables: kind, conf, port; upstream_address, upstream_port, role, tls_ca, tls_cert, tls_key.

check() {
  rd_place
  own_name "$role"
}

run() { :; }

verify() {
  said=$(echo 'INFO replication' | rd_upstream)
  [ -n "$(printf '%s\n' "$said" | rd_field role)" ] || die "the upstream refuses this host: $(printf '%s' "$said" | head -n 1 | cut -c 1-300)"
}
