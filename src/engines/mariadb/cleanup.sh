# shellcheck shell=sh disable=SC2154
# An upstream forgets a replica: its account goes, and a connection that still reads by it ends. Nothing that has another name is touched.
#
# The binlog takes it to the replicas that stay, as it took the account. A read-only upstream has its accounts from its own, so it loses
# them with that one's. Proves that the account is gone. Can be run again.
# Variables: port; role.

check() {
  maria_place
  own_name "$role"
  maria_running
}

run() {
  if [ "$(maria_variable read_only)" = OFF ]; then maria_account_remove "$role" 1; fi
}

verify() {
  if [ "$(maria_variable read_only)" = OFF ]; then maria_account_is_gone "$role"; fi
}
