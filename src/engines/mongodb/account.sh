# shellcheck shell=sh disable=SC2154,SC2034
# Reads the key by which members of the set log in to one another, for replform to hand on to a new member. MongoDB has no other
# replication account.
#
# Changes nothing. The key goes to replform on standard output, which keeps it in memory and shows it nowhere.
# Proves that the server takes the key: replform logs in by it. Can be run again.
# Variables: unit, port, key_name (what replform calls the key).

check() {
  mongo_place
  [ -n "$key" ] || die "this server has no key file any more: plan again"
  [ -s "$key" ] || die "the key file $key isn't there"
  said=$(mongo set-id 2>&1) || die "the server doesn't take its own key: $(mongo_said "$said")"
}

run() { printf 'secret %s %s\n' "$key_name" "$(base64 -w 0 <"$key")"; }

verify() { :; }
