# shellcheck shell=sh disable=SC2154
# Proves that a replica follows: connected to the right server, and every transaction applied that the upstream had when asked.
# What is received proves nothing, only what is executed counts.
#
# Changes nothing, in any phase. Can be run again. Prints `measured caught_up` (seconds).
# Variables: port; upstream_address, upstream_port, upstream_identity (server_uuid), role, password (secret), deadline (seconds for
# applying, default 120; a connection must be there within 60).

check() {
  my_place
  own_name "$role"
}

run() { :; }

verify_connected() {
  [ "$(my_ask "select count(*) from performance_schema.replication_connection_configuration c join performance_schema.replication_connection_status s
    using (channel_name) where c.host = $(my_quoted "$upstream_address") and c.port = $upstream_port and s.service_state = 'ON'
    and ($(my_quoted "$upstream_identity") = '' or s.source_uuid = $(my_quoted "$upstream_identity"))")" = 1 ]
}

verify_applied() {
  [ "$(my_ask "select gtid_subset($(my_quoted "$target"), @@global.gtid_executed)")" = 1 ] || verify_stopped
}

# Whether it won't go on by itself.
verify_stopped() {
  [ "$(my_ask "select count(*) from performance_schema.replication_applier_status where service_state <> 'ON'")" != 0 ]
}

# What is in the way, for people.
verify_why() {
  my_state
  if [ "$my_status" != up ]; then
    printf 'the server is %s' "$my_status"
    return 0
  fi
  my_limit=5 my_sql <<'SQL' | tr '\n' ' '
select concat('reads from ', host, ':', port) from performance_schema.replication_connection_configuration;
select concat('connection ', service_state, if(last_error_number, concat(', ', last_error_number, ' ', last_error_message), '')) from performance_schema.replication_connection_status;
select concat('applier ', service_state) from performance_schema.replication_applier_status;
select concat(last_error_number, ' ', last_error_message) from performance_schema.replication_applier_status_by_worker where last_error_number > 0 limit 1;
SQL
}

verify() {
  t0=$(now)
  limit=${deadline:-120}
  wait_until 60 verify_connected || die "it isn't connected to $upstream_address:$upstream_port after 60 s: $(verify_why)"
  said=$(echo 'select @@global.gtid_executed;' | my_on_upstream 2>&1) || die "the upstream doesn't tell its transactions: $(my_said "$said")"
  target=$(printf '%s' "$said" | tr -d '\n ')
  case $target in
    *-*-*-*-*:*) ;;
    *) die "the upstream's transactions aren't understood: $said" ;;
  esac
  wait_until "$limit" verify_applied || die "it hasn't applied all of its upstream's transactions after $limit s: $(verify_why)"
  if verify_stopped; then die "it doesn't apply: $(verify_why)"; fi
  [ "$(my_ask 'select @@global.super_read_only')" = 1 ] || die "it takes writes"
  note "reads from $upstream_address:$upstream_port, has applied what it had"
  measured caught_up "$(since "$t0")"
}
