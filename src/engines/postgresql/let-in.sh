# shellcheck shell=sh disable=SC2154
# Proves that the upstream lets this replica in with the certificate and password that it has now, before a connection that stands ends.
#
# Changes nothing, in any phase. Can be run again.
# Variables: version, cluster, port; upstream_address, upstream_port, conninfo, role.

check() {
  pg_place
  own_name "$role"
  [ -s "$conf/replform.pgpass" ] || die "$conf/replform.pgpass isn't there"
}

run() { :; }

verify() {
  said=$(pg_identify 2>&1) || die "the upstream refuses this host: $(pg_said "$said")"
}
