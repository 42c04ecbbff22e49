# shellcheck shell=sh disable=SC2154
# Moves the checked copy to the data directory's place. The old directory is set aside beside it, whole, and never removed.
#
# Changes: standby.signal in the copy (first of all: a boot at any moment then makes a standby, never a second primary), the
# copy's postgresql.auto.conf (the upstream's own addresses and recovery settings are taken out), the server (stopped), the
# two directories' names. Proves that the data directory is the copy. Can be run again: which directories exist says how far it came.
# Variables: version, cluster, port; upstream_identity (system identifier); and what may be set aside:
# expect_empty=yes (a server in which nobody made anything), copy_of_upstream=yes (an old copy of the same data), replace=yes
# (the database that the reviewers allowed: replaced_identity, its system identifier, or anything where that is empty, with no
# other databases than replaced_databases, their names, one a line; replaced_shown=no: the plan saw a stopped server, without names).
# upstream_address and others are not used.

restore_is_done() {
  [ ! -e "$copy" ] && [ -e "$data/standby.signal" ] && [ -e "$data/backup_manifest" ] &&
    restore_same "$(pg_control "$data" 'Database system identifier')"
}

restore_same() { [ -n "$1" ] && { [ -z "$upstream_identity" ] || [ "$1" = "$upstream_identity" ]; }; }

check() {
  pg_place
  data_movable "$data"
  if restore_is_done; then return 0; fi
  pg_copy_is_whole || die "there is no whole copy at $copy"
  identity=$(sed -n 2p -- "$verified" 2>/dev/null)
  [ -n "$identity" ] || die "the copy $copy wasn't checked to its end"
  restore_same "$identity" || die "the copy $copy is of the data set $identity, the plan's upstream is $upstream_identity"
  restore_may_go
}

# Dies unless what is in the data directory's place may be set aside.
restore_may_go() {
  if data_holds_nothing "$data"; then return 0; fi
  if [ "${replace:-no}" = yes ]; then
    [ -z "${replaced_identity:-}" ] || [ "$(pg_control "$data" 'Database system identifier')" = "$replaced_identity" ] ||
      die "$data holds another database than the plan saw: plan again"
    restore_databases_may_go
    return 0
  fi
  if [ "${copy_of_upstream:-no}" = yes ]; then
    [ -e "$data/standby.signal" ] || die "$data has no standby.signal any more: it may have been written to; plan again"
    restore_same "$(pg_control "$data" 'Database system identifier')" || die "$data isn't a copy of the upstream's data"
    return 0
  fi
  [ "${expect_empty:-no}" = yes ] || die "the plan doesn't say that $data may be set aside"
  restore_is_empty
}

# Which databases there are, as a stopped server shows it too: their directories.
restore_directories() { (cd "$data/base" && echo [0-9]*); }

# Dies unless there are only databases that the plan showed. A stopped server tells no names: then they must be those that an
# earlier try, cut off after it had stopped the server, saw there and wrote down behind the copy's identity.
restore_databases_may_go() {
  pg_state
  if [ "$pg_status" != down ]; then
    [ "${replaced_shown:-no}" = yes ] || die "the server of $data runs now: plan again, so that the plan shows its databases"
    pg_running
    # The database `postgres` is always there; it is shown where somebody made something in it.
    more=$(pg_sql -v shown="${replaced_databases:-}" <<'SQL'
select coalesce(string_agg(datname, ', ' order by datname), '') from pg_database
 where datname not in ('template0', 'template1') and datname <> all (string_to_array(:'shown', chr(10)))
 and (datname <> 'postgres' or exists (select from pg_class where oid >= 16384 and relkind in ('r','p','v','m','f','S')
  and relnamespace not in (select oid from pg_namespace where nspname ~ '^pg_')) or exists (select from pg_proc where oid >= 16384)
  or exists (select from pg_largeobject_metadata));
SQL
    ) || die "the server doesn't tell its databases"
    [ -z "$more" ] || die "$data has databases that the plan didn't show: $more; plan again"
  elif [ "${replaced_shown:-no}" = yes ]; then
    [ "$(sed -n 3p -- "$verified" 2>/dev/null)" = "$(restore_directories)" ] ||
      die "the server of $data is stopped now and can't be asked for its databases: plan again"
  fi
}

# restore_note_databases: for the next try, while the server can still be asked.
restore_note_databases() {
  [ "${replace:-no}${replaced_shown:-no}" = yesyes ] && [ "$pg_status" != down ] || return 0
  noted=$(sed -n 1,2p -- "$verified") || die "$verified can't be read"
  printf '%s\n%s\n' "$noted" "$(restore_directories)" | write_file "$verified" 0600 "$owner:$owner" || die "$verified can't be written"
}

# The same questions as the probe's: a server in which nobody made anything.
restore_is_empty() {
  [ ! -e "$data/standby.signal" ] || die "$data belongs to a standby: plan again"
  [ -z "$(ls -A -- "$data/pg_tblspc" 2>/dev/null)" ] || die "$data has tablespaces: it isn't the empty server that the plan saw"
  pg_state
  if [ "$pg_status" = down ]; then
    # Every object takes a number, and a clean shutdown writes down the next one.
    [ "$(pg_control "$data" 'Database cluster state')" = 'shut down' ] || die "$data wasn't shut down cleanly: start its server and plan again"
    [ "$(pg_control "$data" "Latest checkpoint's NextOID")" -le 16384 ] 2>/dev/null ||
      die "somebody made something in $data: start its server and plan again"
    return 0
  fi
  pg_running
  made=$(
    pg_sql <<'SQL'
select (select count(*) from pg_database where not datistemplate and datname<>'postgres')+(select count(*) from pg_database where datistemplate and oid>=16384)
 +(select count(*) from pg_roles where oid>=16384 and rolname not like 'replform%')+(select count(*) from pg_subscription)
 +(select count(*) from pg_class where oid>=16384 and relkind in ('r','p','v','m','f','S') and relnamespace not in
  (select oid from pg_namespace where nspname ~ '^pg_'))+(select count(*) from pg_proc where oid>=16384)
 +(select count(*) from pg_namespace where oid>=16384 and nspname !~ '^pg_')+(select count(*) from pg_largeobject_metadata);
SQL
  ) || die "the server doesn't tell what is in it"
  [ "$made" = 0 ] || die "somebody made something in $data since the plan ($made objects): plan again"
}

# Settings that the upstream got by ALTER SYSTEM and that would hurt here: they win over our drop-in.
restore_auto_conf() {
  auto=$copy/postgresql.auto.conf
  hurting='^[[:space:]]*(primary_conninfo|primary_slot_name|recovery_[a-z_]+|restore_command|archive_cleanup_command|promote_trigger_file|listen_addresses|port|unix_socket_directories|data_directory|config_file|hba_file|ident_file|external_pid_file|cluster_name|ssl_[a-z_]+|synchronous_standby_names|log_directory)[[:space:]]*='
  if ! grep -qE "$hurting" "$auto" 2>/dev/null; then return 0; fi
  gone=$(grep -E "$hurting" "$auto" | pg_names | tr '\n' ' ')
  # 1: no line is left. Read to its end, or not written at all.
  kept=$(grep -vE "$hurting" "$auto") || [ $? -eq 1 ] || die "$auto can't be read"
  printf '%s\n' "$kept" | write_file "$auto" 0600 "$owner:$owner" || die "$auto can't be written"
  changed "took out of the copy's postgresql.auto.conf, as it is its upstream's: $gone"
}

run() {
  if restore_is_done; then
    rm -f -- "$verified"
    return 0
  fi
  if [ -d "$copy" ]; then
    # shellcheck disable=SC2016 # expanded by the inner shell
    runuser -u "$owner" -- sh -c 'umask 077 && : >"$1" && sync -- "$1"' sh "$copy/standby.signal" || die "$copy/standby.signal can't be written"
    restore_auto_conf
    sync -- "$copy"
  fi
  pg_state
  if [ "$pg_status" != down ] || [ "$(pg_unit)" != inactive ] || data_used "$data"; then
    restore_may_go
    restore_note_databases
    pg_stop 120 || die "the server of $data doesn't stop; nothing was moved"
    changed "stopped $unit"
  fi
  data_swap "$copy" "$data"
  rm -f -- "$verified"
}

verify() {
  restore_is_done || die "$data isn't the copy: standby.signal, manifest or identity is missing, or the copy is still beside it"
}
