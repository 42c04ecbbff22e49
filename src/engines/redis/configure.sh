# shellcheck shell=sh disable=SC2154
# Makes a primary fit for replicas while it runs: settings by CONFIG SET, and the same in our part of its configuration, so that
# they hold after a restart. Never CONFIG REWRITE: that would write down whatever else somebody set for the moment.
#
# Changes those settings, our block at the configuration's end, the unit's drop-in. Nothing restarts, no write waits. A setting
# that the server refuses leaves block and server as they were. Proves that the server and its file have the values. Can be run again.
# Variables: kind, conf, port; settings (lines `NAME VALUE`); expect (lines `NAME VALUE`: what the plan saw); restart (always no).

configure_wanted() { printf '%s\n' "$settings" | sed -n "s/^$1 //p"; }

configure_names() { printf '%s\n' "$settings" | awk 'NF { print $1 }'; }

check() {
  rd_place
  rd_block_is_whole
  rd_running
  printf '%s\n' "$expect" | while IFS= read -r seen; do
    [ -n "$seen" ] || continue
    name=${seen%% *} value=$(rd_get "${seen%% *}")
    if [ "$value" != "${seen#* }" ] && [ "$value" != "$(configure_wanted "$name")" ]; then
      die "$name is \"$value\" now, the plan saw \"${seen#* }\": plan again"
    fi
  done || exit 20
}

# One CONFIG SET with all of them: the server takes all or none.
configure_set() {
  {
    printf 'CONFIG SET'
    printf '%s\n' "$settings" | while IFS= read -r one; do
      [ -z "$one" ] || printf ' %s %s' "${one%% *}" "$(rd_quoted "${one#* }")"
    done
    echo
  } | rd_ask
}

run() {
  block_before=$(rd_block)
  # `bind` takes its addresses as words, the others take one.
  printf '%s\n' "$settings" | rd_block_put
  rd_drop_in
  said=$(configure_set)
  if [ "$said" != OK ]; then
    # shellcheck disable=SC2046 # names are words
    printf '%s\n' "$block_before" | rd_block_put $(configure_names)
    die "the server refuses it: $(printf '%s' "$said" | head -n 1); the configuration is as it was before"
  fi
  changed "CONFIG SET $(configure_names | tr '\n' ' ')"
}

verify() {
  configure_names | while IFS= read -r name; do
    [ "$(rd_get "$name")" = "$(configure_wanted "$name")" ] || die "$name is \"$(rd_get "$name")\" in the server and not \"$(configure_wanted "$name")\""
    [ "$(rd_conf "$name")" = "$(configure_wanted "$name")" ] || die "$name is \"$(rd_conf "$name")\" in $conf and not \"$(configure_wanted "$name")\""
  done || exit 22
}
