# shellcheck shell=sh disable=SC2154
# Makes the account of one replica on its upstream: a user that may replicate and ask for the server's state, nothing else.
#
# Changes: the marker, the user in the running server (its password is replaced), the same user's line in our part of the
# configuration, or in the ACL file where the server has one; other users' lines stay as they are. The server gets the password's
# hash only, by standard input. Redis can't tie a user to an address. Proves that the server and its file have the user with
# this hash. Can be run again.
# Variables: kind, conf, port; role, hash (SHA-256 of its password), tell (yes: for the moment it may read settings too, as the
# new replica is to ask for the same password as its upstream), marker_json, marker_file.

account_rules() {
  printf 'resetkeys resetchannels -@all +ping +replconf +psync +sync +info'
  if [ "${tell:-no}" = yes ]; then printf ' +config|get'; fi
}

check() {
  rd_place
  own_name "$role"
  case $hash in
    *[!0-9a-f]*) die "the hash of $role isn't one" ;;
  esac
  [ "${#hash}" = 64 ] || die "the hash of $role isn't one"
  rd_block_is_whole
  rd_running
  account_file
}

# acl_file: where the server keeps its users; empty: in its configuration.
account_file() {
  acl_file=$(rd_get aclfile)
  if [ -n "$acl_file" ] && [ ! -f "$acl_file" ]; then die "the server's ACL file $acl_file isn't there"; fi
}

account_line() { printf 'user %s on #%s %s\n' "$role" "$hash" "$(account_rules)"; }

account_keep() {
  if [ -z "$acl_file" ]; then
    account_line | rd_block_put
    return
  fi
  acl_before=$(cat -- "$acl_file")
  acl_after=$(printf '%s\n' "$acl_before" | rd_without "user/$role" && account_line)
  if [ "$acl_before" = "$acl_after" ]; then return 0; fi
  printf '%s\n' "$acl_after" | grep . | write_file "$acl_file" "$(stat -c %a -- "$acl_file")" "$(stat -c %U:%G -- "$acl_file")" ||
    die "$acl_file can't be written"
  changed "$acl_file: user $role"
}

run() {
  marker_write
  account_file
  said=$(printf 'ACL SETUSER %s reset on #%s %s\n' "$role" "$hash" "$(account_rules)" | rd_ask)
  [ "$said" = OK ] || die "the user $role can't be made: $(printf '%s' "$said" | head -n 1)"
  changed "user $role"
  account_keep
}

verify() {
  account_file
  found=$(printf 'ACL LIST\n' | rd_ask | grep "^user $role ")
  case " $found " in
    *' on '*"#$hash "*) ;;
    *) die "the user $role isn't in the server with this password" ;;
  esac
  case " $found " in
    *' +config|get '*) [ "${tell:-no}" = yes ] || die "the user $role may still read settings" ;;
  esac
  grep -qxF -- "$(account_line)" "${acl_file:-$conf}" || die "the user $role isn't in ${acl_file:-$conf}, so it would be gone after a restart"
}
