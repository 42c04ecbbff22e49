# shellcheck shell=sh disable=SC2154
# Makes the account of one replica on its upstream: role, lines in pg_hba.conf for that replica's address only, slot.
#
# Changes: the marker, the role (its password is replaced), our block at the top of pg_hba.conf (first match wins; other lines
# stay as they are), the slot. A slot of ours that still holds what it must stays; one that is lost is made anew.
# The server gets the password's verifier only, by standard input, with its statement logging off for that session.
# Proves: role, verifier, block, slot. Can be run again. A standby makes no role: there it is waited for, as it comes from the primary.
# Variables: version, cluster, port; role, slot, address (the replica's), access (plain; account: only by TLS with a certificate that
# names the role; authority: only by TLS with a certificate of the server's authority), verifier (SCRAM-SHA-256), marker_json, marker_file; part (whole, where it
# isn't given; role: the role alone, on the primary of a replica that reads from another; slot: the rest, on that other).

check() {
  pg_place
  own_name "$role"
  own_name "$slot"
  part=${part:-whole}
  case $part in whole | role | slot) ;; *) die "\"$part\" is no part of an account" ;; esac
  case $part:$verifier in
    slot:) ;;
    *:'SCRAM-SHA-256$'*[!A-Za-z0-9+/=:\$-]*) die "the verifier of $role isn't one" ;;
    *:'SCRAM-SHA-256$'?*) ;;
    *) die "the verifier of $role isn't one" ;;
  esac
  case $address in
    '' | *[!A-Za-z0-9.:_/-]*) die "\"$address\" is no address for pg_hba.conf" ;;
  esac
  case $access in plain | account | authority) ;; *) die "\"$access\" is no way to let a replica in" ;; esac
  pg_running
  kind=$(echo "select slot_type from pg_replication_slots where slot_name = :'slot';" | pg_sql -v slot="$slot") ||
    die "the server doesn't tell its slots"
  case $kind in
    '' | physical) ;;
    *) die "the slot $slot exists and is $kind: not ours" ;;
  esac
  hba_errors
  hba_block_is_whole "$role"
}

# The rule's address as pg_hba.conf wants it: a host name and a range as they are, an address with its full mask.
account_address() {
  case $address in
    */*) printf '%s' "$address" ;;
    *:*) printf '%s/128' "$address" ;;
    *[!0-9.]*) printf '%s' "$address" ;;
    *) printf '%s/32' "$address" ;;
  esac
}

account_block() {
  printf '# replform begin %s: overwritten by replform\n' "$role"
  case $access in
    plain) printf 'host replication %s %s scram-sha-256\n' "$role" "$(account_address)" ;;
    *)
      account_certificate=verify-full
      [ "$access" = account ] || account_certificate=verify-ca
      printf 'hostssl replication %s %s scram-sha-256 clientcert=%s\n' "$role" "$(account_address)" "$account_certificate"
      # No later line may let it in without.
      printf 'host replication %s %s reject\n' "$role" "$(account_address)"
      ;;
  esac
  printf '# replform end %s\n' "$role"
}

account_role() {
  {
    # Not known to every server; no extension may keep the text of what follows.
    printf '%s\n' "set pg_stat_statements.track_utility = off;" "\\set verifier '$verifier'"
    cat <<'SQL'
select format('create role %I', :'role') where not exists (select from pg_roles where rolname = :'role') \gexec
select format('alter role %I with login replication nosuperuser nocreatedb nocreaterole nobypassrls noinherit password %L', :'role', :'verifier') \gexec
SQL
  } | pg_sql -v role="$role"
}

account_role_is_there() { [ "$(echo "select 1 from pg_roles where rolname = :'role' and rolreplication;" | pg_sql -v role="$role")" = 1 ]; }

account_hba() {
  hba=$(hba_file) || die "the server doesn't tell where pg_hba.conf is"
  # Read to its end, or not written at all: half of it would lock everybody out.
  wanted=$(account_block && hba_others "$role") || die "$hba can't be read"
  hba_write "$wanted"
  # A reload that was cut off comes late, not never.
  pg_reload || die "the server doesn't reload"
}

account_slot() {
  # A slot of a standby starts at its last restartpoint: a new one, or it holds more than is needed.
  pg_limit=600 pg_sql -v slot="$slot" <<'SQL'
select pg_is_in_recovery() standby \gset
select exists (select from pg_replication_slots where slot_name = :'slot' and not active
 and (wal_status = 'lost' or restart_lsn is null)) useless \gset
\if :useless
select 'changed dropped the lost slot '||:'slot' from pg_drop_replication_slot(:'slot');
\endif
select not exists (select from pg_replication_slots where slot_name = :'slot') missing \gset
\if :missing
\if :standby
checkpoint;
\endif
select 'changed slot '||slot_name from pg_create_physical_replication_slot(:'slot', true);
\endif
SQL
}

run() {
  marker_write
  in_recovery=$(echo 'select pg_is_in_recovery();' | pg_sql) || die "the server doesn't answer"
  if [ "$in_recovery" = f ]; then
    [ "$part" != slot ] || die "the server is a primary: the replica that others were to read from isn't one"
    account_role || die "the role $role can't be made"
    changed "role $role"
    if [ "$part" = role ]; then return 0; fi
  else
    [ "$part" != role ] || die "the server is a standby: it can't make a role"
    wait_until 60 account_role_is_there || die "the role $role hasn't come from the primary within 60 s: its replay is behind"
  fi
  account_hba
  slot_said=$(account_slot) || die "the slot $slot can't be made: max_replication_slots may be used up"
  [ -z "$slot_said" ] || changed "${slot_said#changed }"
}

verify() {
  found=$({
    printf '%s\n' "\\set verifier '$verifier'"
    cat <<'SQL'
select case
 when not exists (select from pg_authid where rolname = :'role' and rolreplication and rolcanlogin) then 'the role '||:'role'||' isn''t there'
 when not pg_is_in_recovery() and not exists (select from pg_authid where rolname = :'role' and rolpassword = :'verifier')
  then 'the role '||:'role'||' has another password'
 when :'part' = 'role' then 'good'
 when not exists (select from pg_hba_file_rules where :'role' = any(user_name) and 'replication' = any(database) and error is null)
  then 'pg_hba.conf has no line for '||:'role'
 when not exists (select from pg_replication_slots where slot_name = :'slot' and coalesce(wal_status, '') <> 'lost') then 'the slot '||:'slot'||' isn''t there'
 else 'good' end;
SQL
  } | pg_sql -v role="$role" -v slot="$slot" -v part="${part:-whole}") || die "the server doesn't answer"
  [ "$found" = good ] || die "$found"
}
