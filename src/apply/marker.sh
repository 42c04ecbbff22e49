# shellcheck shell=sh disable=SC2154
# Writes a member's marker: /var/lib/replform/$marker_file, 0600, root's. Changes nothing else.
# Proves that the file holds $marker_json. Can be run again: the same content is written once.
# Variables: marker_file (TOPOLOGY.REPLICATION.json), marker_json.

check() {
  case $marker_file in
    */* | .* | '') die "\"$marker_file\" is no name of a marker" ;;
  esac
}

run() {
  marker=/var/lib/replform/$marker_file
  if [ -f "$marker" ] && [ "$(cat -- "$marker")" = "$marker_json" ]; then return 0; fi
  (umask 077 && mkdir -p /var/lib/replform) || die "/var/lib/replform can't be made on this host"
  printf '%s\n' "$marker_json" | write_file "$marker" 0600 root:root || die "the marker $marker can't be written"
  changed "marker $marker_file"
}

verify() {
  [ "$(cat -- "/var/lib/replform/$marker_file")" = "$marker_json" ] ||
    die "the marker /var/lib/replform/$marker_file isn't what was written"
}
