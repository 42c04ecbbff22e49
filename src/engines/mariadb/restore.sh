# shellcheck shell=sh disable=SC2154
# Moves the prepared copy to the data directory's place. The old directory is set aside beside it, whole, and never removed.
#
# Changes: our drop-in (first of all: read_only, so that a boot at any moment then makes no second primary that apps could write
# to), mariadb.socket (disabled: any connection would start the server in the middle), the server (stopped), the two directories'
# names. Proves that the data directory is the copy. Can be run again: which directories exist says how far it came.
# Variables: port; settings (lines `name = value`, the replica's whole drop-in), source (who the copy is of); and what may be set
# aside: expect_empty=yes (a server in which nobody made anything), copy_of_upstream=yes (an old copy of the same data),
# replace=yes (the data that the reviewers allowed: replaced_identity, or anything where that is empty).

restore_is_done() {
  [ ! -e "$copy" ] && [ -e "$data/ibdata1" ] && [ "$(sed -n 's/^source //p' -- "$data/replform.copy" 2>/dev/null)" = "$source" ]
}

check() {
  maria_place
  data_movable "$data"
  if restore_is_done; then return 0; fi
  if [ ! -s "$copy/replform.copy" ] || [ ! -e "$copy/ibdata1" ]; then die "there is no whole copy at $copy"; fi
  [ "$(sed -n 2p -- "$verified" 2>/dev/null)" = "$source" ] || die "the copy $copy wasn't prepared to its end, or is of another server than $source"
  restore_may_go
}

# Dies unless what is in the data directory's place may be set aside.
restore_may_go() {
  if data_holds_nothing "$data"; then return 0; fi
  if [ "${replace:-no}" = yes ]; then
    [ -z "${replaced_identity:-}" ] || [ "$(maria_identity "$data")" = "$replaced_identity" ] ||
      die "$data holds other databases than the plan saw: plan again"
  elif [ "${copy_of_upstream:-no}" = yes ]; then
    [ -s "$data/master.info" ] || die "$data is no replica's any more (no master.info): it may have been written to; plan again"
    restore_wrote_nothing
  elif [ "${expect_empty:-no}" = yes ]; then
    restore_is_empty
  else
    die "the plan doesn't say that $data may be set aside"
  fi
}

# A replica that runs says whether anybody wrote to it; one that is down was looked at by the plan.
restore_wrote_nothing() {
  [ "$(maria_unit)" = active ] || return 0
  maria_running
  own=$(maria_own_writes) || die "the GTIDs of this server or of its upstream can't be asked for"
  [ -z "$own" ] || die "somebody wrote to this replica ($own): plan again"
}

# The same questions as the probe's: a server in which nobody made anything.
restore_is_empty() {
  [ ! -e "$data/master.info" ] || die "$data belongs to a replica: plan again"
  others=$(maria_schemas "$data" | tr '\n' ' ')
  [ -z "$others" ] || die "$data holds databases ($others): it isn't the empty server that the plan saw; plan again"
  if maria_is_down; then
    maria_is_untouched "$data" || die "accounts in $data may have been changed: start its server and plan again"
    return 0
  fi
  maria_running
  made=$(
    cat <<'SQL' | maria_sql
select (select count(*) from mysql.global_priv where user not in ('root','mysql','mariadb.sys','debian-sys-maint','PUBLIC','') and user not like 'replform\_%')
 +(select count(*) from mysql.event)+(select count(*) from information_schema.schemata where schema_name not in ('mysql','information_schema','performance_schema','sys'));
SQL
  ) || die "the server doesn't tell what is in it"
  [ "$made" = 0 ] || die "somebody made something in $data since the plan ($made databases, accounts or events): plan again"
}

run() {
  if restore_is_done; then
    rm -f -- "$verified"
    return 0
  fi
  if [ "$(maria_drop_in)" != "$settings" ]; then
    printf '%s\n' "$settings" | maria_drop_in_write || die "$drop_in can't be written"
    changed "$drop_in"
  fi
  maria_socket_off
  if ! maria_is_down; then
    restore_may_go
    changed "stops $unit"
  fi
  # Also where it is down: the socket would start it again.
  maria_stop 900 || die "the server of $data doesn't stop; nothing was moved"
  data_swap "$copy" "$data"
  rm -f -- "$verified"
}

verify() {
  restore_is_done || die "$data isn't the copy of $source, or the copy is still beside it"
}
