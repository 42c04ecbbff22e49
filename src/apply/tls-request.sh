# shellcheck shell=sh disable=SC2154
# Makes a member's key on its own host, where it stays, and asks the replication's authority for a certificate.
#
# Changes: the package openssl where it is missing, /var/lib/replform/tls/FOLDER/place (where the server reads its files), PLACE (the
# server's own user's, 0700) and PLACE/member.key (0600). A key that is there and good stays, so that no server is ever left with a
# key that isn't its certificate's. Proves that the key can be read. Prints the request, which is no secret. Can be run again.
# Variables: folder (TOPOLOGY.REPLICATION), place, owner (the server's user), common_name, answer (the request's name).

check() {
  tls_words
  [ -d "${place%/*}" ] || die "${place%/*} isn't there, so the server has no place for its certificate"
  id -u "$owner" >/dev/null 2>&1 || die "this host has no user $owner"
  if [ ! -x /usr/bin/openssl ] && ! packages_known openssl; then
    die "this host has no openssl, and no package source of it has one"
  fi
}

# request_as COMMAND…: in a directory of the server's user everything is done as that user.
request_as() { runuser -u "$owner" -- "$@"; }

request_key_is_good() { request_as openssl pkey -in "$place/member.key" -noout </dev/null >/dev/null 2>&1; }

run() {
  if [ ! -x /usr/bin/openssl ]; then packages_install openssl; fi
  tls_folder
  if [ "$(cat -- "$home/place" 2>/dev/null)" != "$place" ]; then
    printf '%s\n' "$place" | write_file "$home/place" 0600 root:root || die "$home/place can't be written"
  fi
  if [ ! -d "$place" ]; then
    install -d -m 0700 -o "$owner" -g "$(id -gn "$owner")" -- "$place" || die "$place can't be made"
    changed "$place"
  fi
  if ! request_key_is_good; then
    key=$(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null </dev/null) || die "openssl makes no key"
    printf '%s\n' "$key" | write_file "$place/member.key" 0600 "$owner:$(id -gn "$owner")" || die "$place/member.key can't be written"
    key=''
    changed "$place/member.key"
  fi
  request=$(request_as openssl req -new -key "$place/member.key" -subj "/CN=$common_name" 2>/dev/null </dev/null) ||
    die "openssl makes no request from $place/member.key"
  printf 'secret %s %s\n' "$answer" "$(printf '%s\n' "$request" | base64 -w 0)"
}

verify() {
  request_key_is_good || die "$place/member.key is no key that $owner can read"
  [ "$(stat -c '%a %U' -- "$place/member.key")" = "600 $owner" ] || die "others than $owner may read $place/member.key"
}
