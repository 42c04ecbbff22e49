# shellcheck shell=sh disable=SC2154
# Lets a channel that stands connect anew, so that it shows the certificate that it has now, and proves that the upstream takes it.
#
# Changes the channel's connection: it ends and comes back; transactions that wait are applied meanwhile. Can be run again.
# Variables: port; upstream_address, upstream_port, role.

check() {
  my_place
  my_running
}

reread_has_channel() { [ "$(my_ask "select count(*) from performance_schema.replication_connection_configuration where host = $(my_quoted "$upstream_address")")" = 1 ]; }

run() {
  if ! reread_has_channel; then return 0; fi
  said=$(echo 'stop replica io_thread; start replica io_thread;' | my_sql 2>&1) || die "the channel doesn't connect anew: $(my_said "$said")"
  changed "connected anew to $upstream_address:$upstream_port"
}

reread_is_on() { [ "$(my_ask "select service_state from performance_schema.replication_connection_status where channel_name = ''")" = ON ]; }

verify() {
  if ! reread_has_channel; then return 0; fi
  wait_until 60 reread_is_on ||
    die "the upstream doesn't take it: $(my_ask "select last_error_message from performance_schema.replication_connection_status where channel_name = ''" | head -n 1)"
}
