# shellcheck shell=sh disable=SC2154,SC2034
# Makes a server ready to join the set: settings, an empty data directory, and a start in which it waits for the set and takes
# no writes. What lies in its data directory is set aside beside it, whole, and never removed: as a member it would lose it.
#
# Changes the server (stopped, started, enabled at boot), the data directory's name, mongod.conf. The new directory carries a
# mark (replform.new) until the member has its copy. Proves that the server waits, with the wanted values. Can be run again:
# which directories exist says how far it came.
# Variables: unit, port; wanted (lines `section.name=value`); set; set_id (the upstream's, may be empty); and what may be set
# aside: expect_empty=yes (a server in which nobody made anything), copy_of_upstream=yes (an old copy of the same set),
# replace=yes (what the reviewers allowed: the databases in replaced, one a line; replaced_unseen=yes: data that couldn't be
# looked into).

member_waits() {
  mongo_look
  case $state in
    uninitiated) [ -e "$data/replform.new" ] && mongo_settled && [ -z "$(mongo contents 2>&1)" ] ;;
    secondary | other) [ "$set_now" = "$set" ] && [ "${copy_of_upstream:-no}" = no ] ;;
    *) return 1 ;;
  esac
}

# Dies unless what is in the data directory may be set aside; found says what a running server holds.
member_may_go() {
  found=''
  if data_holds_nothing "$data" || { [ "$state" = down ] && [ -e "$data/replform.new" ]; }; then return 0; fi
  if [ "${replaced_unseen:-no}" = yes ]; then
    found='something unseen'
    return 0
  fi
  if [ "${copy_of_upstream:-no}" = yes ]; then
    said=$(mongo set-id 2>&1) || die "$data isn't known to be a copy of the set's data: $(mongo_said "$said")"
    [ "$said" = "$set_id" ] || die "$data belongs to another set (id $said)"
    return 0
  fi
  [ "$state" != down ] || die "the server is stopped, so nobody can tell what $data holds: start it and plan again"
  found=$(mongo contents 2>&1) || die "the server doesn't tell what it holds: $(mongo_said "$found")"
  [ -n "$found" ] || return 0
  [ "${replace:-no}" = yes ] || die "somebody made something there since the plan ($found): plan again"
  printf '%s\n' "$found" | tr ',' '\n' | sed 's/^ *//; s/ [0-9]* bytes$//' | while IFS= read -r name; do
    printf '%s\n' "$replaced" | grep -qxF -- "$name" || case $name in [0-9]*' users or roles' | [0-9]*' collections in '*) ;; *) exit 1 ;; esac
  done || die "$data holds other databases than the plan saw ($found): plan again"
}

check() {
  mongo_place
  data=$(mongo_value storage.dbPath)
  data=${data:-$(mongo_setting storage.dbPath)}
  mongo_try_settings
  file=$(mongo_value security.keyFile)
  [ -z "$file" ] || [ -s "$file" ] || die "the key file $file isn't there: the account comes first"
  if member_waits; then return 0; fi
  member_directory
  data_movable "$data"
  member_may_go
}

# mongo_read takes the directory from the file; a new one is wanted where the plan says so.
member_directory() {
  wished=$(mongo_value storage.dbPath)
  [ -z "$wished" ] || data=$wished
}

member_empty_directory() {
  fresh=$data.replform-copy
  install -d -m 0755 -o "$user" -g "$(id -gn "$user")" -- "$fresh" || die "$fresh can't be made"
  { : >"$fresh/replform.new" && chown -- "$user:" "$fresh/replform.new"; } || die "$fresh can't be written"
  sync -- "$fresh"
  # Nothing is printed between the two renames: a reader that went away would end it there.
  data_set_aside "$data"
  mv -T -- "$fresh" "$data" || die "$fresh can't be moved to $data"
  sync -- "${data%/*}"
  [ -z "$swap_aside" ] || changed "set aside $data as $swap_aside"
  changed "an empty directory $data"
}

run() {
  if member_waits; then
    member_enable
    return 0
  fi
  member_directory
  if ! mongo_is_down; then
    member_may_go
    # It was started alone in the directory that began empty, and somebody made something there: the mark is true no more.
    [ -z "$found" ] || rm -f -- "$data/replform.new" || die "the mark in $data can't be removed"
    mongo_stop 120 || die "the server of $data doesn't stop; nothing was moved"
    changed "stopped $unit"
  fi
  if [ ! -e "$data/replform.new" ] || [ "${copy_of_upstream:-no}" = yes ]; then member_empty_directory; fi
  if mongo_write_conf; then :; fi
  mongo_read
  member_enable
  if mongo_start 120; then
    changed "started $unit"
    return 0
  fi
  die "the server doesn't start: $(mongo_log_tail)"
}

member_enable() {
  [ "$(timeout 10 systemctl is-enabled "$unit" 2>/dev/null)" = enabled ] ||
    packages_quietly systemctl enable "$unit" || die "$unit can't be enabled at boot: $quiet_why"
}

verify() {
  mongo_settled || die "$conf doesn't give $unsettled as wanted"
  mongo_look
  case $state in
    uninitiated | secondary | other) ;;
    *) die "the server's state is $state: it was to wait for its set" ;;
  esac
}
