#!/bin/bash
# Builds the lab's root images: sourced by `lab`, changes nothing when sourced.
#
# An image is a directory $cache/images/SUITE-KIND.HASH: a whole Debian that hosts mount read-only under an overlay. HASH
# is that of its recipe (its row, the functions that carry it out, its parent's), so a changed recipe builds anew, and a
# new row rebuilds nothing else. It is built under another name and renamed when it is whole: a build cut off anywhere
# leaves nothing that a host could boot from. Every build can be run again.
# Needs: $cache (absolute), root, debootstrap, the Debian mirror that debootstrap and apt use by default.
# shellcheck disable=SC2154 # $cache is set by `lab`

image_names='bookworm-base bookworm-bare bookworm-pg bookworm-redis bookworm-mariadb bookworm-mongodb bookworm-mongobare
trixie-base trixie-bare trixie-pg trixie-redis trixie-valkey trixie-mariadb
sid-base sid-bare sid-mysql'

# shellcheck source=testdata/lab/mongodb.sh
. "$(dirname "${BASH_SOURCE[0]}")/mongodb.sh"

# The row of an image: sets parent, action and packages, else fails. $1 = SUITE-KIND
#   base  Debian with systemd, sshd, sudo and the user `deploy`; only to derive from
#   bare  base, and the servers' packages downloaded but not installed: apt-get finds them without a network
#   else  base with one server installed, as Debian's own scripts set it up
image_recipe() {
  parent=base action=install packages=
  case "$1" in
    *-base) parent='' action=base packages=$image_base_packages ;;
    bookworm-bare) action=download packages='postgresql redis-server mariadb-server mariadb-backup' ;;
    trixie-bare) action=download packages='postgresql redis-server valkey-server mariadb-server mariadb-backup' ;;
    sid-bare) action=download packages=mysql-server ;;
    *-pg) packages=postgresql ;;
    *-redis) packages=redis-server ;;
    bookworm-mongodb) action=mongo-install packages=mongodb-org-server ;;
    bookworm-mongobare) action=mongo-download packages='mongodb-org-server adduser libcurl4 libssl3' ;;
    trixie-valkey) packages=valkey-server ;;
    sid-mysql) packages=mysql-server ;;
    *-mariadb) packages='mariadb-server mariadb-backup' ;;
    *) return 1 ;;
  esac
}

# The packages of a host as a hosting provider would hand it over.
image_base_packages=systemd,systemd-sysv,dbus,openssh-server,iproute2,sudo,procps

# Prints the hash of an image's recipe. $1 = SUITE-KIND
image_recipe_hash() {
  local parent action packages
  image_recipe "$1"
  {
    printf '%s\n' "$1" "$action" "$packages"
    case "$action" in
      base) declare -f image_build_base image_strip ;;
      mongo*) declare -f image_chroot image_strip mongodb_derive mongodb_tool mongodb_package mongodb_tree mongodb_source && mongodb_tool && image_recipe_hash "${1%-*}-$parent" ;;
      *) declare -f image_derive image_chroot image_strip && image_recipe_hash "${1%-*}-$parent" ;;
    esac
  } | sha256sum | cut -c1-10
}

# Prints the path of an image, built or not. $1 = SUITE-KIND
image_path() { printf '%s/images/%s.%s\n' "$cache" "$1" "$(image_recipe_hash "$1")"; }

# Fails with words unless $1 is the name of an image.
image_check_name() {
  local name
  for name in $image_names; do
    [ "$1" != "$name" ] || return 0
  done
  die "no image '$1'; there are: $(printf '%s' "$image_names" | tr '\n' ' ')"
}

# Makes sure that image $1 is there. Two builders of one image wait for each other.
image_ensure() {
  local name=$1 path lock parent action packages
  image_check_name "$name"
  image_recipe "$name"
  path=$(image_path "$name")
  [ -d "$path" ] && return 0
  mkdir -p "$cache/images"
  exec {lock}>"$cache/images/.$name.lock"
  flock "$lock"
  if [ ! -d "$path" ]; then
    [ -z "$parent" ] || image_ensure "${name%-*}-$parent"
    image_build "$name" "$path"
  fi
  exec {lock}>&-
}

# Builds image $1 as $2. Half images of builders that died go first; nobody else builds this one (image_ensure's lock).
image_build() {
  local name=$1 path=$2 suite=${1%-*} new started=$SECONDS parent action packages
  image_recipe "$name"
  new=$path.new
  say "building image $name"
  image_remove "$new"
  case "$action" in
    base)
      image_build_base "$suite" "$new"
      # A mirror's sid may be older than its own date of expiry.
      if [ "$suite" = sid ]; then echo 'Acquire::Check-Valid-Until "false";' >"$new/etc/apt/apt.conf.d/lab"; fi
      ;;
    mongo*) mongodb_derive "$name" "$suite-$parent" "$action" "$packages" "$new" ;;
    *) image_derive "$name" "$suite-$parent" "$action" "$packages" "$new" ;;
  esac
  mv -T "$new" "$path"
  say "image $name: $(du -sh "$path" | cut -f1), $((SECONDS - started)) s"
  image_prune "$name" "$path"
}

# Removes versions of image $1 other than $2 that no host has mounted and that are older than a day: another checkout may
# be on its way to them.
image_prune() {
  local old
  for old in "$cache/images/$1".*; do
    if [ -d "$old" ] && [ "$old" != "$2" ] && [ -n "$(find "$old" -maxdepth 0 -mmin +1440)" ] && ! grep -qF "lowerdir=$old," /proc/mounts; then image_remove "$old"; fi
  done
}

# Removes a directory below $cache/images and what a build that died left mounted in it.
image_remove() {
  case "$1" in "$cache"/images/?*) ;; *) die "not an image: $1" ;; esac
  [ -e "$1" ] || return 0
  local mounted
  for mounted in "$1/proc" "$1/sys"; do
    while mountpoint -q "$mounted"; do umount "$mounted"; done
  done
  rm -rf --one-file-system "$1"
}

image_build_base() {
  local suite=$1 new=$2
  debootstrap --variant=minbase --include="$image_base_packages" "$suite" "$new" >"$cache/images/.$suite-base.log" 2>&1 ||
    die "debootstrap $suite failed; see $cache/images/.$suite-base.log"
  echo 'LANG=C.UTF-8' >"$new/etc/default/locale"
  # A lab lives for minutes: background updates would only hold apt's lock in the middle of a test.
  local unit
  for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer; do
    ln -sf /dev/null "$new/etc/systemd/system/$unit"
  done
  chroot "$new" useradd --create-home --shell /bin/bash deploy
  echo 'deploy ALL=(ALL) NOPASSWD: ALL' >"$new/etc/sudoers.d/deploy"
  chmod 0440 "$new/etc/sudoers.d/deploy"
  chroot "$new" systemctl enable systemd-networkd ssh >/dev/null 2>&1
  image_strip "$new"
}

# Copies the parent image and adds packages: downloaded or installed. $1 its name, $2 the parent's, $3 action, $4 packages, $5 as what.
image_derive() {
  local name=$1 parent=$2 action=$3 packages=$4 new=$5 log
  log=$cache/images/.$name.log
  cp -a "$(image_path "$parent")" "$new"
  cp /etc/resolv.conf "$new/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d" # nothing starts while it is only a directory
  chmod +x "$new/usr/sbin/policy-rc.d"
  echo force-unsafe-io >"$new/etc/dpkg/dpkg.cfg.d/lab-build"
  # shellcheck disable=SC2086 # packages are words
  if [ "$action" = download ]; then
    { image_chroot "$new" apt-get update && image_chroot "$new" apt-get -y install --download-only $packages; } >"$log" 2>&1
  else
    { image_chroot "$new" apt-get update && image_chroot "$new" apt-get -y install $packages && image_chroot "$new" apt-get clean; } >"$log" 2>&1
  fi || die "$packages for $name failed; see $log"
  rm "$new/usr/sbin/policy-rc.d" "$new/etc/dpkg/dpkg.cfg.d/lab-build"
  image_strip "$new"
}

# Runs a command in the image as Debian's installer would: a UTF-8 locale, no questions, /proc there.
image_chroot() {
  local new=$1 status=0
  shift
  mount -t proc proc "$new/proc"
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$new" "$@" </dev/null || status=$?
  umount "$new/proc"
  return "$status"
}

# Takes out what each host must have of its own. apt's lists (and, in `bare`, the .deb files) stay: hosts have no route out.
image_strip() {
  : >"$1/etc/machine-id"
  : >"$1/etc/resolv.conf"
  rm -f "$1"/etc/ssh/ssh_host_* "$1"/var/lib/dbus/machine-id
}
