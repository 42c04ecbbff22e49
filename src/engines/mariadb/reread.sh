# shellcheck shell=sh disable=SC2154
# Lets a connection that stands be made anew, so that it shows the certificate that it has now, and proves that the upstream takes it.
#
# Changes the connection to the upstream: it ends and comes back. Can be run again.
# Variables: port; upstream_address, upstream_port, role.

check() {
  maria_place
  maria_running
}

run() {
  [ "$(maria_slave Master_Host)" = "$upstream_address" ] || return 0
  said=$(echo 'stop slave io_thread; start slave io_thread;' | maria_sql 2>&1) || die "it doesn't connect anew: $(maria_words "$said")"
  changed "connected anew to $upstream_address:$upstream_port"
}

reread_is_on() { [ "$(maria_slave Slave_IO_Running)" = Yes ]; }

verify() {
  [ "$(maria_slave Master_Host)" = "$upstream_address" ] || return 0
  wait_until 60 reread_is_on || die "the upstream doesn't take it: $(maria_slave Last_IO_Error)"
}
