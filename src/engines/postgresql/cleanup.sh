# shellcheck shell=sh disable=SC2154
# An upstream forgets a replica: its slot, its lines in pg_hba.conf and its role go. Nothing that has another name is touched.
#
# A slot that is still read from is waited for, then left: its reader isn't standalone yet. A role that owns something or has
# rights that somebody gave it stays, without its login. Proves that slot and lines are gone. Can be run again.
# Variables: version, cluster, port; role, slot; keep_role (yes: its replica reads from another member now, so only slot and lines go).

check() {
  pg_place
  own_name "$role"
  own_name "$slot"
  pg_running
  hba_errors
  hba_block_is_whole "$role"
}

cleanup_slot_is_free() {
  [ -z "$(echo "select 1 from pg_replication_slots where slot_name = :'slot' and active;" | pg_sql -v slot="$slot")" ]
}

run() {
  # The server that left closes its connection; a host that lost power doesn't, until wal_sender_timeout.
  wait_until 90 cleanup_slot_is_free ||
    die "the slot $slot is still read from ($(echo "select coalesce(client_addr::text, 'a local process') from pg_stat_replication where pid = (select active_pid from pg_replication_slots where slot_name = :'slot');" | pg_sql -v slot="$slot"))"
  said=$(
    pg_sql -v slot="$slot" <<'SQL'
select exists (select from pg_replication_slots where slot_name = :'slot') there \gset
\if :there
select 'dropped' from pg_drop_replication_slot(:'slot');
\endif
SQL
  ) || die "the slot $slot can't be dropped"
  [ -z "$said" ] || changed "dropped the slot $slot"
  hba_remove "$role"
  if [ "${keep_role:-no}" != yes ] && [ "$(echo 'select pg_is_in_recovery();' | pg_sql)" = f ]; then role_remove "$role"; fi
}

verify() {
  found=$(
    pg_sql -v role="$role" -v slot="$slot" <<'SQL'
select case when exists (select from pg_replication_slots where slot_name = :'slot') then 'the slot '||:'slot'||' is still there'
 when exists (select from pg_hba_file_rules where :'role' = any(user_name)) then 'pg_hba.conf still has a line for '||:'role'
 else 'good' end;
SQL
  ) || die "the server doesn't answer"
  [ "$found" = good ] || die "$found"
}
