# shellcheck shell=sh disable=SC2154
# Installs PostgreSQL on a bare host and makes one cluster, which is left stopped and isn't started at boot: a fresh
# server must not run as a primary that apps could write to.
#
# Changes packages (apt-get), /etc/postgresql, the data directory. Proves that the cluster is there, on its port, stopped.
# Can be run again after a cut: a package half installed is configured, a cluster half made (its mark says so) is made anew.
# Variables: version, cluster, port; package (postgresql-15); data_directory (empty: Debian's); reach (ADDRESS:PORT of the
# upstream, tried before anything is installed; empty: not tried).

provision_mark=/var/lib/replform/making

provision_reach() {
  [ -n "$reach" ] || return 0
  # shellcheck disable=SC2016 # expanded by the inner shell
  reach_said=$(timeout -k 1 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "${reach%:*}" "${reach##*:}" 2>&1 </dev/null)
  case $? in
    0) return 0 ;;
    124 | 137) die "this host gets no answer from $reach within 5 s: a firewall between them, or a wrong address" ;;
    *) die "this host can't connect to $reach: $(printf '%s' "${reach_said##*: }" | head -n 1)" ;;
  esac
}

provision_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] &&
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
  provision_reach
  if ! provision_installed && ! apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy "$package" 2>/dev/null </dev/null |
    grep -q '^  Candidate: [^(]'; then
    die "this host's package sources have no $package; add one that has (apt.postgresql.org), then apt-get update"
  fi
  if provision_is_made; then return 0; fi
  place=$(provision_directory)
  if ! provision_may_use "$place"; then
    die "$place isn't empty and belongs to no cluster: move it away, or name another data_directory"
  fi
}

# Runs a command that talks a lot; when it fails, quiet_why has what it said about that.
provision_quietly() {
  quiet_said=$("$@" 2>&1 </dev/null)
  quiet_code=$?
  quiet_why=$(printf '%s\n' "$quiet_said" | grep -iE '^(E:|error|dpkg: )|no space|cannot|failed' | tail -n 3 | tr '\n' ' ' | cut -c 1-500)
  [ -n "$quiet_why" ] || quiet_why=$(printf '%s\n' "$quiet_said" | tail -n 2 | tr '\n' ' ')
  return "$quiet_code"
}

# Whether dpkg can go on: a dpkg that outlived a killed apt-get is waited for, what it left half done is configured.
provision_mended() {
  if [ -z "$(ls -A /var/lib/dpkg/updates 2>/dev/null)" ] && [ -z "$(dpkg --audit 2>/dev/null)" ]; then return 0; fi
  if provision_quietly dpkg --force-confdef --force-confold --configure -a; then return 0; fi
  case $quiet_said in
    *' lock'*) sleep 1 && return 1 ;;
  esac
  # Something else is half installed; apt-get says what, if it minds.
  return 0
}

provision_install() {
  if provision_installed; then return 0; fi
  # Keeps the package from making and starting a cluster of its own; taken away again below.
  mkdir -p /etc/postgresql-common/createcluster.d || die "/etc/postgresql-common can't be written"
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/replform.conf
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
  wait_until 120 provision_mended || die "dpkg is locked by another process for more than 120 s: $quiet_why"
  provision_quietly apt-get -y -q -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    install --no-install-recommends "$package" || die "apt-get can't install $package: $quiet_why"
  provision_installed || die "apt-get ended well, but $package isn't installed"
  changed "installed $package $(dpkg-query -W -f '${Version}' "$package")"
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
    if pg_used "$place"; then die "a process works in $place, which is half made"; fi
    rm -rf --one-file-system -- "$place" "/etc/postgresql/$version/$cluster"
  fi
  (umask 077 && mkdir -p /var/lib/replform) || die "/var/lib/replform can't be made on this host"
  printf '%s\n' "$place" | write_file "$provision_mark.$version-$cluster" 0600 root:root || die "/var/lib/replform can't be written"
  provision_quietly pg_createcluster --port="$port" --start-conf=manual --datadir="$place" "$version" "$cluster" ||
    die "pg_createcluster $version $cluster failed: $quiet_why"
  systemctl daemon-reload
  rm -f -- "$provision_mark.$version-$cluster"
  changed "made cluster $version/$cluster on port $port, stopped"
}

verify() {
  pg_lsclusters -h | awk -v v="$version" -v c="$cluster" -v p="$port" '$1 == v && $2 == c && $3 == p { found = 1 } END { exit !found }' ||
    die "pg_lsclusters doesn't show $version/$cluster on port $port: $(pg_lsclusters -h | tr '\n' ';')"
}
