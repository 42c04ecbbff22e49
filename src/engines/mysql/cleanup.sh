# shellcheck shell=sh disable=SC2154
# An upstream forgets a replica: its account goes, and a connection that still reads by it ends. Nothing that has another name is touched.
#
# The binary log takes it to the replicas that stay, as it took the account. A read-only upstream has its accounts from its own, so it
# loses them with that one's. Proves that the account is gone. Can be run again.
# Variables: port; role.

check() {
  my_place
  own_name "$role"
  my_running
}

cleanup_is_primary() { [ "$(my_ask 'select @@global.super_read_only')" = 0 ]; }

run() {
  if ! cleanup_is_primary || [ "$(my_ask "select count(*) from mysql.user where user = '$role'")" = 0 ]; then return 0; fi
  my_account_remove "$role" 1
  changed "dropped the account $role"
}

verify() {
  if cleanup_is_primary; then my_account_is_gone "$role"; fi
}
