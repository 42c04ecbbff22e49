# shellcheck shell=sh disable=SC2154
# Takes away what replform made and nobody needs any more: an account, a copy, the file with a replica's login.
#
# Changes only what bears a name of replform's; a directory that was set aside is never removed. Proves that they are gone.
# Can be run again. Variables: port; role with address (empty: no account); login_too, copy_too (yes: /etc/mysql/replform.client,
# the copy beside the data directory).

check() {
  maria_place
  if [ -n "${role:-}" ]; then
    own_name "$role"
    maria_running
  fi
}

cleanup_account() { printf '%s@%s' "$(maria_literal "$role")" "$(maria_literal "$address")"; }

run() {
  if [ -n "${role:-}" ]; then
    # A connection of a dropped account would live on until the next event.
    said=$(
      {
        printf 'drop user if exists %s;\n' "$(cleanup_account)"
        printf 'kill user %s;\n' "$(cleanup_account)"
      } | maria_sql 2>&1
    )
    case $said in *'ERROR 1094 '* | *'ERROR 1095 '* | '') ;; *) die "the account $role can't be dropped: $(maria_words "$said")" ;; esac
    changed "dropped account $role@$address"
  fi
  if [ "${login_too:-no}" = yes ]; then rm -f -- "$link_file"; fi
  if [ "${copy_too:-no}" = yes ]; then data_remove_copy "$copy"; fi
}

verify() {
  if [ -n "${role:-}" ]; then
    left=$(printf 'select count(*) from mysql.global_priv where user = %s and host = %s;\n' "$(maria_literal "$role")" "$(maria_literal "$address")" | maria_sql)
    [ "$left" = 0 ] || die "the account $role@$address is still there"
  fi
  if [ "${copy_too:-no}" = yes ] && [ -e "$copy" ]; then die "$copy is still there"; fi
}
