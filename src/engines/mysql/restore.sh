# shellcheck shell=sh disable=SC2154
# Moves the checked copy to the data directory's place. The old directory is set aside beside it, whole, and never removed.
#
# Changes: our file (first of all: a boot at any moment then makes a read-only server that reads from nobody, never a second
# primary), the server (stopped), the two directories' names. Proves that the data directory is the copy and that its server will
# make itself a server_uuid of its own. Can be run again: which directories exist says how far it came.
# Variables: port; upstream_identity (server_uuid); settings (lines for our file); and what may be set aside: expect_empty=yes (a
# server in which nobody made anything), copy_of_upstream=yes (an old copy of the same data), replace=yes (the database that the
# reviewers allowed: replaced_identity, its server_uuid, or anything where that is empty).

restore_is_done() {
  ! data_swap_begun "$data" && [ ! -e "$copy" ] && [ -e "$data/mysql.ibd" ] && [ -n "$upstream_identity" ] && [ "$(my_copy_note "$data" donor)" = "$upstream_identity" ]
}

check() {
  my_place
  my_movable
  if restore_is_done; then return 0; fi
  if data_swap_begun "$data"; then return 0; fi
  my_copy_is_whole || die "there is no whole copy at $copy"
  identity=$(sed -n 2p -- "$verified" 2>/dev/null)
  [ -n "$identity" ] || die "the copy $copy wasn't checked to its end"
  [ "$identity" = "$upstream_identity" ] || die "the copy $copy is of the server $identity, the plan's upstream is $upstream_identity"
  restore_may_go
}

# Dies unless what is in the data directory's place may be set aside.
restore_may_go() {
  if data_holds_nothing "$data"; then return 0; fi
  if [ "${replace:-no}" = yes ]; then
    [ -z "${replaced_identity:-}" ] || [ "$(my_uuid "$data")" = "$replaced_identity" ] ||
      die "$data holds another server's data than the plan saw: plan again"
    return 0
  fi
  if [ "${copy_of_upstream:-no}" = yes ]; then
    [ "$(my_option super_read_only)" = ON ] || die "no file makes $data read-only any more: it may have been written to; plan again"
    return 0
  fi
  [ "${expect_empty:-no}" = yes ] || die "the plan doesn't say that $data may be set aside"
  restore_is_empty
}

# The same questions as the probe's: a server in which nobody made anything. A schema is a directory, a tablespace a file.
restore_is_empty() {
  made=$(find "$data" -mindepth 1 -maxdepth 1 \( -type d ! -name 'mysql' ! -name 'sys' ! -name 'performance_schema' ! -name '#*' ! -name '.replform-*' ! -name lost+found \) -o \
    -mindepth 1 -maxdepth 1 -name '*.ibd' ! -name mysql.ibd | head -n 3 | tr '\n' ' ')
  [ -z "$made" ] || die "somebody made something in $data since the plan: $made; plan again"
  my_state
  case $my_status in
    down) return 0 ;;
    silent) die "the server of $data doesn't answer, so nobody knows what is in it" ;;
  esac
  made=$(
    my_sql <<'SQL'
select (select count(*) from information_schema.schemata where schema_name not in ('mysql', 'sys', 'performance_schema', 'information_schema'))
 + (select count(*) from mysql.user where user not in ('root', 'debian-sys-maint', 'mysql.infoschema', 'mysql.session', 'mysql.sys') and user not like 'replform%')
 + (select count(*) from performance_schema.replication_connection_configuration where host <> '');
SQL
  ) || die "the server doesn't tell what is in it"
  [ "$made" = 0 ] || die "somebody made something in $data since the plan ($made schemas, accounts or channels): plan again"
}

run() {
  if restore_is_done; then
    rm -f -- "$verified"
    return 0
  fi
  printf '%s\n' "$settings" | my_drop_in_write || die "$drop_in can't be written"
  changed "$drop_in"
  trouble=$(my_config_error)
  [ -z "$trouble" ] || die "the server refuses $drop_in: $trouble"
  trouble=$(my_overridden "$settings")
  [ -z "$trouble" ] || die "$trouble"
  if ! my_is_down || [ "$(my_unit)" = activating ]; then
    data_swap_begun "$data" || restore_may_go
    my_stop 300 || die "the server of $data doesn't stop; nothing was moved"
    changed "stopped $unit"
  fi
  if [ -d "$copy" ] && ! data_swap_begun "$data"; then
    chmod 0700 -- "$copy" || die "$copy can't be made the server's own"
  fi
  data_swap "$copy" "$data"
  rm -f -- "$verified"
}

verify() {
  restore_is_done || die "$data isn't the copy: its note is missing or another's, or the copy is still beside it"
}
