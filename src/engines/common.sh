# shellcheck shell=sh disable=SC2154,SC2034
# What the step scripts of every engine share: names, markers, packages, the way to an upstream, data directories that are
# swapped. Stands between the prelude and an engine's own common.sh. Changes nothing by itself; each function can be run again.

# own_name NAME: dies unless it is a name that replform gives.
own_name() {
  case $1 in
    replform_*[!a-z0-9_]*) die "\"$1\" is no name of replform's" ;;
    replform_?*) ;;
    *) die "\"$1\" is no name of replform's" ;;
  esac
}

# own_directory: /var/lib/replform, root's only.
own_directory() { (umask 077 && mkdir -p /var/lib/replform) || die "/var/lib/replform can't be made on this host"; }

# marker_write: the marker (marker_file, marker_json), written before what it names is made: a cut leaves a marker that names
# too much, never too little.
marker_write() {
  [ -n "${marker_file:-}" ] || return 0
  case $marker_file in */* | .*) die "\"$marker_file\" is no name of a marker" ;; esac
  if [ "$(cat -- "/var/lib/replform/$marker_file" 2>/dev/null)" = "$marker_json" ]; then return 0; fi
  own_directory
  printf '%s\n' "$marker_json" | write_file "/var/lib/replform/$marker_file" 0600 root:root || die "the marker can't be written"
}

# reach_check ADDRESS:PORT: dies unless this host can connect there; an empty one isn't tried.
reach_check() {
  [ -n "$1" ] || return 0
  # shellcheck disable=SC2016 # expanded by the inner shell
  reach_said=$(timeout -k 1 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "${1%:*}" "${1##*:}" 2>&1 </dev/null)
  case $? in
    0) return 0 ;;
    124 | 137) die "this host gets no answer from $1 within 5 s: a firewall between them, or a wrong address" ;;
    *) die "this host can't connect to $1: $(printf '%s' "${reach_said##*: }" | head -n 1)" ;;
  esac
}

# packages_known PACKAGE: whether the host's package sources could install it.
packages_known() {
  apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy "$1" 2>/dev/null </dev/null | grep -q '^  Candidate: [^(]'
}

# packages_installed PACKAGE…: whether all of them are, whole.
packages_installed() {
  for package_one in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "${package_one%%=*}" 2>/dev/null)" = installed ] || return 1
  done
}

# packages_quietly COMMAND…: runs a command that talks a lot; when it fails, quiet_why has what it said about that.
packages_quietly() {
  quiet_said=$("$@" 2>&1 </dev/null)
  quiet_code=$?
  quiet_why=$(printf '%s\n' "$quiet_said" | grep -iE '^(E:|error|dpkg: )|no space|cannot|failed' | tail -n 3 | tr '\n' ' ' | cut -c 1-500)
  [ -n "$quiet_why" ] || quiet_why=$(printf '%s\n' "$quiet_said" | tail -n 2 | tr '\n' ' ')
  return "$quiet_code"
}

# packages_mended: whether dpkg can go on: a dpkg that outlived a killed apt-get is waited for, what it left half done is configured.
packages_mended() {
  if [ -z "$(ls -A /var/lib/dpkg/updates 2>/dev/null)" ] && [ -z "$(dpkg --audit 2>/dev/null)" ]; then return 0; fi
  if packages_quietly dpkg --force-confdef --force-confold --configure -a; then return 0; fi
  case $quiet_said in
    *' lock'*) sleep 1 && return 1 ;;
  esac
  # Something else is half installed; apt-get says what, if it minds.
  return 0
}

packages_policy=/usr/sbin/policy-rc.d
packages_policy_text='#!/bin/sh
# Written by replform while it installs a database: its server must not start by itself. Removed right after.
exit 101'

# packages_hold: no service that a package brings is started, until packages_release. A policy of the host's own is left alone.
packages_hold() {
  [ ! -e "$packages_policy" ] || return 0
  printf '%s\n' "$packages_policy_text" | write_file "$packages_policy" 0755 root:root || die "$packages_policy can't be written"
}

packages_release() {
  if [ "$(cat -- "$packages_policy" 2>/dev/null)" = "$packages_policy_text" ]; then rm -f -- "$packages_policy"; fi
}

# packages_install PACKAGE[=VERSION]…: installs them without what they only recommend, configuration files kept as they are.
packages_install() {
  if packages_installed "$@"; then return 0; fi
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
  wait_until 120 packages_mended || die "dpkg is locked by another process for more than 120 s: $quiet_why"
  packages_quietly apt-get -y -q -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    install --no-install-recommends "$@" || die "apt-get can't install $*: $quiet_why"
  packages_installed "$@" || die "apt-get ended well, but $* isn't installed"
  for package_one in "$@"; do
    changed "installed ${package_one%%=*} $(dpkg-query -W -f '${Version}' "${package_one%%=*}")"
  done
}

# data_used DIRECTORY: whether a process works in it, a server's or another's.
data_used() { readlink /proc/[0-9]*/cwd 2>/dev/null | grep -qxF -- "$(readlink -f -- "$1")"; }

# data_is_mount DIRECTORY: whether it is a mount point of its own: it can't be renamed, so its copies are made inside of it.
data_is_mount() { mountpoint -q -- "$1"; }

# data_copy_place DIRECTORY: where its copy is made.
data_copy_place() { if data_is_mount "$1"; then printf '%s\n' "$1/.replform-copy"; else printf '%s\n' "$1.replform-copy"; fi; }

# data_holds_nothing DIRECTORY: it isn't there, or is empty; of a mount point our own directories and lost+found don't count.
data_holds_nothing() {
  [ -e "$1" ] || return 0
  [ -d "$1" ] || return 1
  if data_is_mount "$1"; then
    [ -z "$(find "$1" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name '.replform-*' | head -n 1)" ]
  else
    [ -z "$(ls -A -- "$1")" ]
  fi
}

# data_movable DIRECTORY [inside]: dies where nothing can take a data directory's place. `inside`: the engine bears directories
# of ours inside of its own, where that is a mount point.
data_movable() {
  if [ -L "$1" ]; then die "the data directory $1 is a symbolic link; replform needs its real place in data_directory"; fi
  if data_is_mount "$1"; then
    [ "${2:-}" = inside ] || die "the data directory $1 is a mount point, so no copy can be moved to its place; mount its parent instead"
    movable_more=$(awk -v inside="$1/" 'index($5, inside) == 1 { print $5; exit }' /proc/self/mountinfo)
    [ -z "$movable_more" ] || die "$movable_more is mounted inside the data directory $1, which is a mount point too: nothing can be moved there"
  fi
  [ -d "${1%/*}" ] || die "${1%/*} isn't there"
}

# data_swap_begun DIRECTORY: whether a swap inside of a mount point was begun and not ended: it was allowed, the copy was whole,
# and nobody but root has been able to enter the directory since.
data_swap_begun() { [ -s "$1/.replform-swap" ] && data_is_mount "$1"; }

# swap_word N: line N of the swap's note: 1 the directory that takes what is set aside, 2 owner and 3 mode of the data directory,
# 4 what is being moved: old (to be set aside) or new.
swap_word() { sed -n "$1p" -- "$swap_note"; }

swap_write() { printf '%s\n' "$@" | write_file "$swap_note" 0600 root:root || die "$swap_note can't be written"; }

# swap_entries FROM TO: moves all that is in FROM, but what is ours there and lost+found, to TO; never over anything.
swap_entries() {
  for swap_entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ -e "$swap_entry" ] || [ -L "$swap_entry" ] || continue
    case ${swap_entry##*/} in lost+found | .replform-*) continue ;; esac
    if [ -e "$2/${swap_entry##*/}" ] || [ -L "$2/${swap_entry##*/}" ]; then die "$2/${swap_entry##*/} is there already; $swap_entry was left alone"; fi
    mv -T -- "$swap_entry" "$2/${swap_entry##*/}" || die "$swap_entry can't be moved to $2"
  done
}

# data_set_aside_inside DATA: the first half of a swap inside of a mount point. From its note's first line on until the swap's end
# the directory is root's alone: a server that is started meanwhile, or by a boot, can't enter it, so it can't run on half of
# anything. The note says how far it came; each entry is moved by one rename.
data_set_aside_inside() {
  swap_note=$1/.replform-swap
  if [ ! -s "$swap_note" ]; then
    if data_used "$1"; then die "a process still works in $1; nothing was moved"; fi
    [ -d "$1/.replform-copy" ] || die "there is no copy in $1"
    swap_name=.replform-$(date -u +%Y%m%dT%H%M%SZ)
    while [ -e "$1/$swap_name" ]; do
      sleep 1
      swap_name=.replform-$(date -u +%Y%m%dT%H%M%SZ)
    done
    swap_write "$swap_name" "$(stat -c %U:%G -- "$1")" "$(stat -c %a -- "$1")" old
  fi
  case $(swap_word 1) in .replform-[0-9]*) ;; *) die "$swap_note isn't understood; nothing was moved" ;; esac
  { chown root:root -- "$1" && chmod 0700 -- "$1"; } || die "$1 can't be closed"
  if data_used "$1"; then die "a process works in $1; stop it, then apply again"; fi
  if [ "$(swap_word 4)" = old ]; then
    if ! data_holds_nothing "$1"; then
      install -d -m 0700 -- "$1/$(swap_word 1)" || die "$1/$(swap_word 1) can't be made"
      swap_entries "$1" "$1/$(swap_word 1)"
      sync -f -- "$1"
    fi
    swap_write "$(swap_word 1)" "$(swap_word 2)" "$(swap_word 3)" new
  fi
  swap_aside=''
  [ ! -d "$1/$(swap_word 1)" ] || swap_aside=$1/$(swap_word 1)
}

# data_swap_inside DATA: the second half: the copy's entries take the places that are free now.
data_swap_inside() {
  data_set_aside_inside "$1"
  if [ -d "$1/.replform-copy" ]; then
    swap_entries "$1/.replform-copy" "$1"
    rmdir -- "$1/.replform-copy" || die "something is left in $1/.replform-copy"
  fi
  sync -f -- "$1"
  { chown -- "$(swap_word 2)" "$1" && chmod -- "$(swap_word 3)" "$1"; } || die "$1 can't be given back to $(swap_word 2)"
  [ -z "$swap_aside" ] || chown -- "$(swap_word 2)" "$swap_aside"
  rm -f -- "$swap_note"
  sync -- "$1"
}

# data_room DIRECTORY COPY BYTES: dies unless the file system of DIRECTORY has room for a copy of BYTES and a tenth more.
# What a half copy takes is free again when it is removed.
data_room() {
  room_place=${1%/*}
  if data_is_mount "$1"; then room_place=$1; fi
  room_free=$(df -B1 --output=avail -- "$room_place" | tail -n 1 | tr -d ' ')
  room_free=$((room_free + $(du -sb -- "$2" 2>/dev/null | cut -f 1 | grep . || echo 0)))
  [ "$room_free" -gt $((${3:-0} + ${3:-0} / 10)) ] || die "$room_place has $room_free bytes free; the copy needs $3 and a tenth more"
}

# data_remove_copy COPY: removes our half or whole copy and its note COPY.verified; nothing that has another name, is kept, or is in use.
data_remove_copy() {
  case $1 in
    /?*/.replform-copy)
      if [ -e "${1%/*}/.replform-swap" ]; then die "$1 is being moved to its place by a swap that was cut off: left alone"; fi
      ;;
    /?*/?*.replform-copy) ;;
    *) die "\"$1\" is no name of a copy of ours" ;;
  esac
  if [ -L "$1" ]; then die "$1 is a symbolic link: left alone"; fi
  if [ -d "$1" ]; then
    [ ! -e "$1/replform.kept" ] || die "$1 holds replform.kept: left alone; move it away to go on"
    if data_used "$1"; then die "a process works in $1: left alone"; fi
    rm -rf --one-file-system -- "$1" || die "$1 can't be removed"
    changed "removed the copy $1"
  elif [ -e "$1" ]; then
    die "$1 is no directory: left alone"
  fi
  rm -f -- "$1.verified"
}

# data_set_aside DATA: what is there stays beside it as DATA.replform-TIME, whole; an empty one is removed. A server that uses
# DATA must have been stopped. Sets swap_aside, empty where nothing was set aside; says nothing yet, see data_swap.
data_set_aside() {
  swap_aside=''
  [ -e "$1" ] || return 0
  if data_is_mount "$1"; then
    data_set_aside_inside "$1"
    return 0
  fi
  if data_used "$1"; then die "a process still works in $1; nothing was moved"; fi
  if data_holds_nothing "$1"; then
    rmdir -- "$1" || die "the empty $1 can't be removed"
    return 0
  fi
  swap_aside=$1.replform-$(date -u +%Y%m%dT%H%M%SZ)
  while [ -e "$swap_aside" ]; do
    sleep 1
    swap_aside=$1.replform-$(date -u +%Y%m%dT%H%M%SZ)
  done
  mv -T -- "$1" "$swap_aside" || die "$1 can't be moved to $swap_aside"
}

# data_swap COPY DATA: COPY takes the place of DATA, which is set aside. Cut off between the two renames, the next run goes on;
# nothing is printed in between, since a reader that went away would end it there.
data_swap() {
  if data_is_mount "$2"; then
    [ "$1" = "$2/.replform-copy" ] || die "$2 was mounted after its copy was made at $1"
    data_swap_inside "$2"
    [ -z "$swap_aside" ] || changed "set aside what was in $2 as $swap_aside"
    changed "the copy is in $2 now"
    return 0
  fi
  if data_used "$2"; then die "a process still works in $2; nothing was moved"; fi
  swap_aside=''
  if [ -d "$1" ]; then data_set_aside "$2"; fi
  mv -T -- "$1" "$2" || die "$1 can't be moved to $2"
  sync -- "${2%/*}"
  [ -z "$swap_aside" ] || changed "set aside $2 as $swap_aside"
  changed "the copy is $2 now"
}
