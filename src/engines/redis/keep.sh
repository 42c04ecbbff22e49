# shellcheck shell=sh disable=SC2154
# Keeps a replica's secrets until it is linked: beside its configuration, 0600, its server's user's: the password of its account,
# and where the upstream's default user has a password, that one: the new replica asks its apps for the same.
#
# Changes that file only. Proves, by asking the upstream with this account, that path, account and password are good, and that
# the upstream is a server that isn't loading and is the primary. Can be run again.
# Variables: kind, conf, port; upstream_address, upstream_port, role, password (secret), tell (yes: take over the upstream's
# requirepass).

check() {
  rd_place
  own_name "$role"
  [ -n "$password" ] || die "there is no password for $role"
}

keep_write() {
  { printf '%s\n' "$password" && cat; } | write_file "$secret" 0600 "$owner:$owner" || die "$secret can't be written"
}

run() {
  # What was taken over earlier stays until it is asked for again.
  rd_word 2 | keep_write
  if [ "${tell:-no}" = yes ]; then
    shared=$(echo 'CONFIG GET requirepass' | rd_upstream | sed -n '2p')
    [ -n "$shared" ] || die "the upstream doesn't tell its requirepass: $(echo PING | rd_upstream | head -n 1)"
    printf '%s\n' "$shared" | keep_write
  fi
  changed "$secret"
}

verify() {
  said=$(echo 'INFO replication' | rd_upstream)
  case $(printf '%s\n' "$said" | rd_field role) in
    master) ;;
    slave) die "the server at $upstream_address:$upstream_port is a replica" ;;
    *) die "the upstream $upstream_address:$upstream_port refuses this host: $(printf '%s' "$said" | head -n 1 | cut -c 1-300)" ;;
  esac
  if [ "${tell:-no}" = yes ] && [ -z "$(rd_word 2)" ]; then die "$secret has no second line"; fi
}
