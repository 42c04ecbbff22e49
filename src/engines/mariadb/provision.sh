# shellcheck shell=sh disable=SC2154
# Installs what is missing of MariaDB: on a bare host the server, which is left stopped and isn't started at boot (a fresh
# server must not run as a primary that apps could write to); beside a server that is there only its tools.
#
# Changes packages (apt-get), the unit's enablement, /etc/systemd/system/mariadb.service (a mask, while it installs a server),
# our drop-in where the port isn't 3306. A server that is there keeps its version and isn't restarted: when apt would touch it,
# nothing is installed. Proves that the packages are there, and that a server it brought is stopped. Can be run again after a cut.
# Variables: port; packages (names, one a line); fresh (yes: the server is to be brought, no: only its tools); reach (ADDRESS:PORT
# of the upstream, tried before anything is installed; empty: not tried).

provision_mask=/etc/systemd/system/mariadb.service
provision_mark=/var/lib/replform/making.mariadb

# The words of $packages; names of packages only.
provision_packages() {
  printf '%s\n' "$packages" | while IFS= read -r package_name; do
    case $package_name in
      '') ;;
      *[!a-z0-9.+-]* | -*) die "\"$package_name\" is no name of a package" ;;
      *) printf '%s ' "$package_name" ;;
    esac
  done
}

# A server that was there before us: installed, and not half made by us.
provision_is_theirs() {
  packages_installed mariadb-server && [ ! -e "$provision_mark" ]
}

check() {
  wanted=$(provision_packages) || exit 20
  [ -n "$wanted" ] || die "there is nothing to install"
  reach_check "$reach"
  # shellcheck disable=SC2086 # words
  if packages_installed $wanted; then return 0; fi
  for package_name in $wanted; do
    packages_installed "$package_name" || packages_known "$package_name" ||
      die "this host's package sources have no $package_name; add one that has, then apt-get update"
  done
  if [ "$fresh" = yes ]; then
    if provision_is_theirs; then die "MariaDB is installed here now: plan again"; fi
    [ -e "$provision_mark" ] || data_holds_nothing /var/lib/mysql ||
      die "/var/lib/mysql isn't empty and belongs to no server: move it away"
  else
    provision_is_theirs || die "MariaDB isn't installed here any more: plan again"
    provision_touches_nothing
  fi
}

# What apt would do, tried: nothing of the server that runs may change.
provision_touches_nothing() {
  # shellcheck disable=SC2086 # words
  packages_quietly apt-get -s -q install --no-install-recommends $wanted || die "apt-get can't install $wanted: $quiet_why"
  touched=$(printf '%s\n' "$quiet_said" | sed -nE 's/^(Inst ([^ ]+) \[.*|Remv ([^ ]+) .*)$/\2\3/p' | tr '\n' ' ')
  [ -z "$touched" ] || die "to install $wanted apt-get would change $touched, and so the server that runs; upgrade it by hand first"
}

run() {
  if [ "$fresh" != yes ]; then
    # shellcheck disable=SC2086 # words
    packages_install $wanted
    return 0
  fi
  own_directory
  # shellcheck disable=SC2086 # words
  if ! packages_installed $wanted || [ -e "$provision_mark" ]; then
    echo making | write_file "$provision_mark" 0600 root:root || die "/var/lib/replform can't be written"
    # Holds through a cut and a reboot, until the server is known to be disabled.
    [ -e "$provision_mask" ] || ln -s /dev/null "$provision_mask" || die "$provision_mask can't be made"
    systemctl daemon-reload
    packages_hold
    # shellcheck disable=SC2086 # words
    packages_install $wanted
    packages_release
  fi
  provision_disable
  rm -f -- "$provision_mark"
}

provision_disable() {
  if [ "$(readlink -- "$provision_mask")" = /dev/null ]; then
    rm -f -- /etc/systemd/system/multi-user.target.wants/mariadb.service
    rm -f -- "$provision_mask"
    systemctl daemon-reload
  fi
  timeout 60 systemctl --quiet disable mariadb.service 2>/dev/null || die "mariadb.service can't be disabled"
  if [ "$(timeout 10 systemctl show -p LoadState --value mariadb.socket)" = loaded ]; then
    timeout 60 systemctl --quiet disable --now mariadb.socket 2>/dev/null || die "mariadb.socket can't be disabled"
  fi
  timeout 120 systemctl stop mariadb.service || die "mariadb.service doesn't stop"
  if [ "$port" != 3306 ] && [ ! -e /etc/mysql/mariadb.conf.d/99-replform.cnf ]; then
    drop_in=/etc/mysql/mariadb.conf.d/99-replform.cnf
    printf 'port = %s\n' "$port" | maria_drop_in_write || die "$drop_in can't be written"
    changed "$drop_in"
  fi
}

verify() {
  # shellcheck disable=SC2086 # words
  packages_installed $wanted || die "not all of $wanted is installed"
  [ "$fresh" = yes ] || return 0
  case $(timeout 10 systemctl show -p ActiveState,UnitFileState --value mariadb.service | tr '\n' ' ') in
    'inactive disabled ') ;;
    *) die "mariadb.service isn't stopped and disabled: $(timeout 10 systemctl show -p ActiveState,UnitFileState mariadb.service | tr '\n' ' ')" ;;
  esac
  [ -d /var/lib/mysql/mysql ] || die "the package made no /var/lib/mysql"
}
