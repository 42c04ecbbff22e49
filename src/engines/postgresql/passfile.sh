# shellcheck shell=sh disable=SC2154
# Keeps the replication password on the replica: the cluster's replform.pgpass beside its configuration, 0600, its owner's.
# Outside of the data directory, so that no copy of the data carries it.
#
# Changes that file only. Proves, by asking the upstream as the replica will (replication connection), that path, rule and
# password are good, and that the upstream is the one of the plan. Can be run again.
# Variables: version, cluster, port; upstream_address, upstream_port, conninfo, role, password (secret), expect_identity (system
# identifier, empty: any), patience (seconds in which the password must have come to an upstream that is a replica itself; 0 where
# it isn't given).

check() {
  pg_place
  own_name "$role"
  [ -n "$password" ] || die "there is no password for $role"
}

run() {
  # In a passfile, colons and backslashes of a field stand behind a backslash.
  printf '%s\n' "$upstream_address" "$password" | sed 's/[\\:]/\\&/g' | {
    IFS= read -r pass_address
    IFS= read -r pass_word
    printf '%s:%s:*:%s:%s\n' "$pass_address" "$upstream_port" "$role" "$pass_word"
  } | write_file "$conf/replform.pgpass" 0600 "$owner:$owner" || die "$conf/replform.pgpass can't be written"
  changed "$conf/replform.pgpass"
}

verify() {
  wait_until "${patience:-0}" pg_identify >/dev/null 2>&1
  said=$(pg_identify 2>&1) || die "the upstream refuses this host: $(pg_said "$said")"
  identity=${said%%|*}
  if [ -n "$expect_identity" ] && [ "$identity" != "$expect_identity" ]; then
    die "at $upstream_address:$upstream_port is the data set $identity, the plan saw $expect_identity"
  fi
}
