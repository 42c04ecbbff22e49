# shellcheck shell=sh disable=SC2154
# Puts back what was set on a primary for its replicas while it runs: our part of its configuration and its unit's drop-in go, and
# so do users in that part. Nothing restarts, no write waits; connections that stand stay.
#
# A setting that somebody changed since is left as it is. Proves that our part is gone. Can be run again.
# Variables: kind, conf, port; before (lines NAME VALUE: what settings were before), keep (names of settings in our block that stay,
# one a line).

check() {
  rd_place
  rd_block_is_whole
  rd_running
}

run() {
  for user in $(rd_block | awk 'tolower($1) == "user" { print $2 }'); do
    rd_user_remove "$user"
  done
  rd_put_back
  rd_drop_in_end
  rd_block_end
  rd_tls_remove
}

verify() {
  if rd_block | grep -q .; then die "$conf still has our part"; fi
  [ ! -e "$(rd_drop_in_file)" ] || die "$(rd_drop_in_file) is still there"
}
