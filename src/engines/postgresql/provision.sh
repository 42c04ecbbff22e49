# shellcheck shell=sh disable=SC2154
# Installs PostgreSQL on a bare host and makes one cluster, which is left stopped and isn't started at boot: a fresh
# server must not run as a primary that apps could write to.
#
# Changes packages (apt-get), /etc/postgresql, the data directory. Proves that the cluster is there, on its port, stopped.
# Can be run again after a cut: a package half installed is configured, a cluster half made (its mark says so) is made anew.
# Variables: version, cluster, port; package (postgresql-15); data_directory (empty: Debian's); reach (ADDRESS:PORT of the
# upstream, tried before anything is installed; empty: not tried).

provision_mark=/var/lib/replform/making

provision_installed() {
  packages_installed "$package" &&
    [ -x "/usr/lib/postgresql/$version/bin/postgres" ] && [ -x /usr/bin/pg_createcluster ]
}

provision_directory() { printf '%s' "${data_directory:-/var/lib/postgresql/$version/$cluster}"; }

# A cluster of ours that was cut off while it was made, in the very directory that is asked for now.
provision_is_half() {
  [ "$(cat -- "$provision_mark.$version-$cluster" 2>/dev/null)" = "$(provision_directory)" ]
}

provision_is_made() {
  [ -e "/etc/postgresql/$version/$cluster/postgresql.conf" ] && ! provision_is_half
}

# Whether the directory holds nothing, or what initdb left of a half cluster of ours; anything else is somebody's.
provision_may_use() {
  [ ! -e "$1" ] || { [ -d "$1" ] && [ -z "$(ls -A -- "$1")" ]; } || { provision_is_half && { [ -e "$1/PG_VERSION" ] || [ -d "$1/pg_wal" ]; }; }
}

check() {
  case $package in
    postgresql-"$version") ;;
    *) die "\"$package\" isn't the server's package of version $version" ;;
  esac
  reach_check "$reach"
  if ! provision_installed && ! packages_known "$package"; then
    die "this host's package sources have no $package; add one that has (apt.postgresql.org), then apt-get update"
  fi
  if provision_is_made; then return 0; fi
  place=$(provision_directory)
  if ! provision_may_use "$place"; then
    die "$place isn't empty and belongs to no cluster: move it away, or name another data_directory"
  fi
}

provision_install() {
  if provision_installed; then return 0; fi
  # Keeps the package from making and starting a cluster of its own; taken away again below.
  mkdir -p /etc/postgresql-common/createcluster.d || die "/etc/postgresql-common can't be written"
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/replform.conf
  packages_install "$package"
  provision_installed || die "apt-get ended well, but $package isn't installed"
}

run() {
  provision_install
  rm -f /etc/postgresql-common/createcluster.d/replform.conf
  rmdir --ignore-fail-on-non-empty /etc/postgresql-common/createcluster.d 2>/dev/null
  if provision_is_made; then return 0; fi
  place=$(provision_directory)
  if ! provision_may_use "$place"; then
    die "$place isn't empty and belongs to no cluster: move it away, or name another data_directory"
  fi
  # The mark was written when neither place held anything: what is there now is a half cluster of ours.
  if provision_is_half; then
    if data_used "$place"; then die "a process works in $place, which is half made"; fi
    rm -rf --one-file-system -- "$place" "/etc/postgresql/$version/$cluster"
  fi
  own_directory
  printf '%s\n' "$place" | write_file "$provision_mark.$version-$cluster" 0600 root:root || die "/var/lib/replform can't be written"
  packages_quietly pg_createcluster --port="$port" --start-conf=manual --datadir="$place" "$version" "$cluster" ||
    die "pg_createcluster $version $cluster failed: $quiet_why"
  systemctl daemon-reload
  rm -f -- "$provision_mark.$version-$cluster"
  changed "made cluster $version/$cluster on port $port, stopped"
}

verify() {
  pg_lsclusters -h | awk -v v="$version" -v c="$cluster" -v p="$port" '$1 == v && $2 == c && $3 == p { found = 1 } END { exit !found }' ||
    die "pg_lsclusters doesn't show $version/$cluster on port $port: $(pg_lsclusters -h | tr '\n' ';')"
}
