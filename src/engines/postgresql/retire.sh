# shellcheck shell=sh disable=SC2154
# Puts back what was set on a primary for its replicas: our drop-in goes, or keeps only what must stay. The server reloads; what
# only a restart changes comes with its next one. Nothing restarts now. Proves that the drop-in is as said. Can be run again.
# Variables: version, cluster, port; keep (names of settings in our drop-in that stay, one a line).

check() {
  pg_place
  trouble=$(pg_config_error)
  [ -z "$trouble" ] || die "the configuration on disk has an error, so the server wouldn't start again: $trouble"
}

run() {
  pg_drop_in_reduce "$keep"
  tls_remove
}

verify() {
  left=$(pg_drop_in | pg_names | while IFS= read -r name; do
    printf '%s\n' "$keep" | grep -qxF -- "$name" || printf '%s ' "$name"
  done)
  [ -z "$left" ] || die "$conf/conf.d/90-replform.conf still sets $left"
}
