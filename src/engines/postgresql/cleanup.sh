# shellcheck shell=sh disable=SC2154
# Takes away what replform made and nobody needs any more: a slot, an account with its lines in pg_hba.conf, a copy.
#
# Changes only what bears a name of replform's; a directory that was set aside is never removed. The slot goes first: it is
# what fills the upstream's disk. Proves that they are gone. Can be run again.
# Variables: version, cluster, port; slot, role (each empty: none); copy_too (yes: the copy beside the data directory).

check() {
  pg_place
  if [ -n "${slot:-}" ]; then own_name "$slot"; fi
  if [ -n "${role:-}" ]; then own_name "$role"; fi
  if [ -n "${slot:-}${role:-}" ]; then pg_running; fi
}

cleanup_slot() {
  said=$(
    pg_sql -v slot="$slot" <<'SQL'
select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = :'slot' and active_pid is not null;
select 'dropped '||slot_name from (select slot_name, pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = :'slot') x;
SQL
  ) || die "the slot $slot can't be dropped"
  case $said in *dropped*) changed "dropped slot $slot" ;; esac
}

cleanup_hba() {
  hba=$(echo 'show hba_file;' | pg_sql) || die "the server doesn't tell where pg_hba.conf is"
  grep -qF -- "# replform begin $role:" "$hba" || return 0
  grep -qxF -- "# replform end $role" "$hba" || die "replform's block for $role in $hba was cut by hand: remove what is left of it"
  # Read to its end, or not written at all.
  others=$(awk -v b="# replform begin $role:" -v e="# replform end $role" 'index($0, b) == 1 { inside = 1 } !inside { print } $0 == e { inside = 0 }' "$hba") ||
    die "$hba can't be read"
  printf '%s\n' "$others" |
    write_file "$hba" "$(stat -c %a -- "$hba")" "$(stat -c %U:%G -- "$hba")" || die "$hba can't be written"
  pg_reload || die "the server doesn't reload"
  changed "pg_hba.conf: without $role"
}

cleanup_role() {
  [ "$(echo 'select pg_is_in_recovery();' | pg_sql)" = f ] || return 0
  [ "$(echo "select count(*) from pg_roles where rolname = :'role';" | pg_sql -v role="$role")" = 1 ] || return 0
  pg_sql -v role="$role" >/dev/null <<'SQL' || die "the role $role can't be dropped"
select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = :'role';
drop role :"role";
SQL
  changed "dropped role $role"
}

run() {
  if [ -n "${slot:-}" ]; then cleanup_slot; fi
  if [ -n "${role:-}" ]; then
    cleanup_hba
    cleanup_role
  fi
  if [ "${copy_too:-no}" = yes ]; then data_remove_copy "$copy"; fi
}

verify() {
  if [ -n "${slot:-}" ]; then
    [ "$(echo "select count(*) from pg_replication_slots where slot_name = :'slot';" | pg_sql -v slot="$slot")" = 0 ] || die "the slot $slot is still there"
  fi
  if [ -n "${role:-}" ] && [ "$(echo 'select pg_is_in_recovery();' | pg_sql)" = f ]; then
    [ "$(echo "select count(*) from pg_roles where rolname = :'role';" | pg_sql -v role="$role")" = 0 ] || die "the role $role is still there"
  fi
  if [ "${copy_too:-no}" = yes ] && [ -e "$copy" ]; then die "$copy is still there"; fi
}
