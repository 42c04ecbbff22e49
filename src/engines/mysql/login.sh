# shellcheck shell=sh disable=SC2154
# Proves, by asking the upstream as the replica will (its account, from its address), that path, account and password are good,
# and that the upstream is the server of the plan.
#
# Changes nothing that stays: the password lies in a file for root only while the client runs. Where the upstream has no TLS, this
# login also fills its cache of caching_sha2_password, which the copy's own login then needs. Can be run again.
# Variables: port; upstream_address, upstream_port, role, password (secret), expect_identity (server_uuid, empty: any).

check() {
  my_place
  own_name "$role"
  [ -n "$password" ] || die "there is no password for $role"
}

run() { :; }

verify() {
  said=$(echo 'select @@server_uuid;' | my_on_upstream 2>&1) || die "the upstream refuses this host: $(my_said "$said")"
  identity=$(printf '%s\n' "$said" | tail -n 1)
  if [ -n "$expect_identity" ] && [ "$identity" != "$expect_identity" ]; then
    die "at $upstream_address:$upstream_port is the server $identity, the plan saw $expect_identity"
  fi
}
