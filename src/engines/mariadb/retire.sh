# shellcheck shell=sh disable=SC2154
# Puts back what was set on a primary for its replicas: our drop-in goes, or keeps only what must stay. What the server takes while it
# runs is put back at once; the rest comes with its next restart. Nothing restarts now. Proves that the drop-in is as said. Can be run again.
# Variables: port; keep (names of settings in our drop-in that stay, one a line).

check() {
  maria_place
  trouble=$(maria_config_error '')
  [ -z "$trouble" ] || die "the configuration on disk has an error, so the server wouldn't start again: $trouble"
  maria_is_down || maria_running
}

run() {
  maria_put_back "$keep"
  maria_tls_remove
}

verify() { maria_put_back_stands "$keep"; }
