# shellcheck shell=sh disable=SC2154,SC2034
# Keeps the set's key on a new member: the very bytes of the primary's key file, for mongod only.
#
# Changes that one file. Proves its content, owner and mode. Can be run again.
# Variables: unit, port, key_file (its path), key_data (its bytes in base64).

check() {
  mongo_place
  case $key_file in
    /?*) ;;
    *) die "\"$key_file\" is no path of a key file" ;;
  esac
  [ -n "$key_data" ] || die "the key didn't come along"
  [ -d "${key_file%/*}" ] || die "${key_file%/*} isn't there"
}

keyfile_is_there() { [ "$(base64 -w 0 <"$key_file" 2>/dev/null)" = "$key_data" ]; }

run() {
  if keyfile_is_there && [ "$(stat -c '%a %U' -- "$key_file")" = "400 $user" ]; then return 0; fi
  printf '%s' "$key_data" | base64 -d | write_file "$key_file" 0400 "$user:$(id -gn "$user")" || die "the key file $key_file can't be written"
  changed "key file $key_file"
}

verify() {
  keyfile_is_there || die "the key file $key_file isn't what was written"
  [ "$(stat -c '%a %U' -- "$key_file")" = "400 $user" ] || die "the key file $key_file isn't mongod's alone"
}
