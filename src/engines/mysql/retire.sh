# shellcheck shell=sh disable=SC2154
# Puts back what was set on a primary for its replicas: our file goes, or keeps only what must stay, the clone plugin goes where
# replform loaded it. What the server takes while it runs goes back at once; the rest comes with its next restart. Nothing restarts now.
# Proves that the file is as said. Can be run again.
# Variables: port; keep (names of settings in our file that stay, one a line), plugin (yes: the clone plugin goes).

check() {
  my_place
  trouble=$(my_config_error)
  [ -z "$trouble" ] || die "the configuration on disk has an error, so the server wouldn't start again: $trouble"
  my_state
  case $my_status in
    silent) die "the server doesn't answer" ;;
    up) my_running ;;
  esac
}

run() {
  my_put_back "$keep"
  my_tls_remove
  my_state
  if [ "$plugin" = yes ] && [ "$my_status" = up ]; then my_plugin_remove; fi
}

verify() { my_put_back_stands "$keep"; }
