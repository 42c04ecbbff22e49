# shellcheck shell=sh disable=SC2154
# Takes away what replform made and nobody needs any more: an account with its line in the configuration or the ACL file, a copy.
#
# Changes only what bears a name of replform's; a directory that was set aside is never removed. Proves that they are gone. Can be
# run again.
# Variables: kind, conf, port; role (empty: none); copy_too (yes: the copy beside the data directory, and what was kept for it).

check() {
  rd_place
  if [ -z "${role:-}" ]; then return 0; fi
  own_name "$role"
  rd_block_is_whole
  rd_running
}

cleanup_role() {
  said=$(printf 'ACL DELUSER %s\n' "$role" | rd_ask)
  case $said in
    0) ;;
    1) changed "removed user $role" ;;
    *) die "the user $role can't be removed: $(printf '%s' "$said" | head -n 1)" ;;
  esac
  acl_file=$(rd_get aclfile)
  if [ -z "$acl_file" ]; then
    printf '' | rd_block_put "user/$role"
  elif grep -q "^user $role " "$acl_file"; then
    acl_before=$(cat -- "$acl_file")
    printf '%s\n' "$acl_before" | rd_without "user/$role" | write_file "$acl_file" "$(stat -c %a -- "$acl_file")" "$(stat -c %U:%G -- "$acl_file")" ||
      die "$acl_file can't be written"
    changed "$acl_file: without $role"
  fi
}

run() {
  if [ -n "${role:-}" ]; then cleanup_role; fi
  if [ "${copy_too:-no}" = yes ]; then
    data_remove_copy "$copy"
    rm -f -- "$secret"
  fi
}

verify() {
  if [ -n "${role:-}" ]; then
    case $(printf 'ACL LIST\n' | rd_ask) in *"user $role "*) die "the user $role is still there" ;; esac
  fi
  if [ "${copy_too:-no}" = yes ] && [ -e "$copy" ]; then die "$copy is still there"; fi
}
