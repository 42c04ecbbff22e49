#!/bin/sh
# Cuts the swap inside of a mount point off before and after each of its outside commands, goes on, and looks at what came of it.
# Stands after the prelude and the engines' common.sh; needs root and may mount. Prints `cuts N`.
# shellcheck disable=SC2154,SC2317,SC2329,SC1091
set -u
place=/srv/swapped
cut_at=0
changed() { :; }

# cut NAME WORD…: the command, and the end of the shell at the wanted place: every command has two, before and after.
cut() {
  cut_here=$(($(cat /run/cut-count) + 2))
  echo "$cut_here" >/run/cut-count
  [ "$cut_at" -ne $((cut_here - 1)) ] || exit 99
  command "$@" || return
  [ "$cut_at" -ne "$cut_here" ] || exit 99
}
mv() { cut mv "$@"; }
chown() { cut chown "$@"; }
chmod() { cut chmod "$@"; }
rm() { cut rm "$@"; }
rmdir() { cut rmdir "$@"; }
install() { cut install "$@"; }

fail() {
  echo "$world, cut at $cut_at: $1" >&2
  ls -laR "$place" >&2
  exit 1
}

# A volume with a copy in it; `full`: and a server's data.
make() {
  mount -t tmpfs -o size=1M none "$place"
  mkdir -p "$place/lost+found" "$place/.replform-20250101T000000Z"
  echo earlier >"$place/.replform-20250101T000000Z/kept"
  if [ "$world" = full ]; then
    mkdir "$place/base"
    for one in one two .hidden base/inner; do echo "old $one" >"$place/$one"; done
  fi
  mkdir -p "$place/.replform-copy/base"
  for one in one three .hidden base/inner; do echo "new $one" >"$place/.replform-copy/$one"; done
  command chown -R nobody:nogroup "$place"
  command chmod 750 "$place"
}

listing() { (cd "$1" && find . -mindepth 1 ! -path './lost+found*' ! -path './.replform-*' -type f -exec cat {} + | sort | tr '\n' ','); }

old='old .hidden,old base/inner,old one,old two,'
new='new .hidden,new base/inner,new one,new three,'

# Whoever can enter it finds all of the old or all of the new.
look() {
  [ "$(stat -c '%U %a' "$place")" != 'root 700' ] || return 0
  found=$(listing "$place")
  case $world,$found in
    full,"$old" | full,"$new" | empty, | empty,"$new") ;;
    *) fail "open with $found" ;;
  esac
}

command mkdir -p "$place"
for world in full empty; do
  cut_at=1
  while :; do
    make
    echo 0 >/run/cut-count
    (data_swap "$place/.replform-copy" "$place")
    code=$?
    look
    last=$cut_at
    if [ "$code" = 99 ]; then
      cut_at=0
      # Without note and copy it is done: the engines' scripts look before.
      if [ -e "$place/.replform-swap" ] || [ -e "$place/.replform-copy" ]; then
        (data_swap "$place/.replform-copy" "$place") || { cut_at=$last && fail "it can't go on"; }
      fi
    elif [ "$code" -ne 0 ]; then
      fail "it ended with $code"
    fi
    cut_at=$last
    [ "$(listing "$place")" = "$new" ] || fail "not the copy: $(listing "$place")"
    [ "$(stat -c '%U:%G %a' "$place")" = 'nobody:nogroup 750' ] || fail "owner or mode"
    [ "$(cat "$place/.replform-20250101T000000Z/kept")" = earlier ] || fail "an earlier directory"
    if [ -e "$place/.replform-swap" ] || [ -e "$place/.replform-copy" ]; then fail "something is left"; fi
    asides=$(find "$place" -maxdepth 1 -name '.replform-2*' ! -name '.replform-2025*')
    if [ "$world" = full ]; then
      [ "$(listing "$asides")" = "$old" ] || fail "set aside: $(listing "$asides")"
    else
      [ -z "$asides" ] || fail "an empty $asides"
    fi
    umount "$place"
    [ "$code" = 99 ] || break
    cut_at=$((last + 1))
  done
  echo "cuts $((cut_at - 1)) $world"
done
