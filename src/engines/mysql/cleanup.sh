# shellcheck shell=sh disable=SC2154
# Takes away what replform made and nobody needs any more: an account on an upstream, a copy.
#
# Changes only what bears a name of replform's; a directory that was set aside is never removed. Proves that they are gone. Can be
# run again.
# Variables: port; role, address (each empty: none); copy_too (yes: the copy beside the data directory).

check() {
  my_place
  if [ -n "${role:-}" ]; then
    own_name "$role"
    my_running
  fi
}

run() {
  if [ -n "${role:-}" ] && [ "$(my_ask 'select @@global.super_read_only')" = 0 ]; then
    said=$(echo "drop user if exists '$role'@'$address';" | my_sql 2>&1) || die "the account $role can't be dropped: $(my_said "$said")"
    changed "dropped account $role"
  fi
  if [ "${copy_too:-no}" = yes ]; then
    data_remove_copy "$copy"
    data_remove_copy "$files/recipient.replform-copy"
  fi
}

verify() {
  if [ -n "${role:-}" ] && [ "$(my_ask 'select @@global.super_read_only')" = 0 ]; then
    [ "$(my_ask "select count(*) from mysql.user where user = '$role' and host = '$address'")" = 0 ] || die "the account $role is still there"
  fi
  if [ "${copy_too:-no}" = yes ] && [ -e "$copy" ]; then die "$copy is still there"; fi
}
