# shellcheck shell=sh disable=SC2154
# An upstream forgets a replica: its user goes. Nothing that has another name is touched.
#
# A user by which somebody still replicates is waited for, then left: its reader isn't standalone yet. Changes the running server and
# the file that keeps its users. Proves that the user is gone from both. Can be run again.
# Variables: kind, conf, port; role.

check() {
  rd_place
  own_name "$role"
  rd_block_is_whole
  rd_running
}

cleanup_readers() { echo 'CLIENT LIST TYPE replica' | rd_ask | grep -a " user=$role\( \|\$\)" | sed -nE 's/^(.* )?addr=([^ ]+) .*$/\2/p'; }

cleanup_is_free() { [ -z "$(cleanup_readers)" ]; }

run() {
  # The server that left closed its connection; a host that lost power didn't, until repl-timeout.
  wait_until 90 cleanup_is_free || die "the user $role is still read by from $(cleanup_readers | tr '\n' ' ')"
  rd_user_remove "$role"
}

verify() { rd_users_verify "$role"; }
