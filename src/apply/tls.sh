# shellcheck shell=sh disable=SC2154,SC2034
# What the scripts for certificates share. Stands between src/engines/common.sh and each of them. Changes nothing by itself.

# tls_words: dies unless the names may stand in paths and subjects. Sets home, the folder of ours.
tls_words() {
  case $folder in
    '' | .* | */*) die "\"$folder\" is no name of a folder of ours" ;;
  esac
  case ${common_name:-none} in
    *[!A-Za-z0-9\ ._-]*) die "\"$common_name\" is no name for a certificate" ;;
  esac
  case ${place:-/etc/none} in
    /?*/?*) ;;
    *) die "\"$place\" is no place for a server's files" ;;
  esac
  home=/var/lib/replform/tls/$folder
}

# tls_folder: makes it, root's only.
tls_folder() {
  own_directory
  (umask 077 && mkdir -p -- "$home") || die "$home can't be made"
}
