# shellcheck shell=sh disable=SC2154
# Installs MySQL on a bare host and leaves its server stopped, not started at boot and read-only: a fresh server must not run as a
# primary that apps could write to.
#
# Changes packages (apt-get), our file in /etc/mysql/mysql.conf.d, the unit's start at boot. Proves that the server is installed,
# has a data directory in which nobody made anything, and is stopped. Can be run again after a cut: a package half installed is
# configured; our mark says that the data directory is the package's own.
# Variables: port; package (mysql-server), series (9.7: what the upstream runs), settings (lines for our file), reach
# (ADDRESS:PORT of the upstream, tried before anything is installed; empty: not tried).

provision_mark=/var/lib/replform/making.mysql

# Whether this host's MySQL is one that we began to install: nobody can have put anything in it.
provision_is_ours() { [ -e "$provision_mark" ]; }

check() {
  case $package in
    mysql-server) ;;
    *) die "\"$package\" isn't the server's package" ;;
  esac
  reach_check "$reach"
  for other in mariadb-server percona-server-server; do
    if packages_installed "$other"; then die "$other is installed on this host, and Debian's MySQL excludes it: take another host"; fi
  done
  if packages_installed "$package"; then return 0; fi
  packages_known "$package" || die "this host's package sources have no $package; add one that has, then apt-get update"
  provision_is_ours || data_holds_nothing /var/lib/mysql || die "/var/lib/mysql isn't empty and belongs to no installed server: move it away"
}

# Sets aside what an installation of ours that was cut off left of the package's data, whole: the mark says that nothing was there
# when it began, and not that nobody came by since.
provision_clear() {
  if data_holds_nothing /var/lib/mysql; then return 0; fi
  provision_is_ours || die "/var/lib/mysql isn't empty and isn't ours"
  data_movable /var/lib/mysql
  if data_used /var/lib/mysql; then die "a process works in /var/lib/mysql, which is half made"; fi
  data_set_aside /var/lib/mysql
  [ -z "$swap_aside" ] || changed "set aside the half made /var/lib/mysql as $swap_aside"
}

run() {
  if ! packages_installed "$package"; then
    own_directory
    provision_is_ours || data_holds_nothing /var/lib/mysql || die "/var/lib/mysql isn't empty any more: plan again"
    provision_is_ours || : | write_file "$provision_mark" 0600 root:root || die "/var/lib/replform can't be written"
    packages_hold
    provision_clear
    # The package makes the data by itself, and once it began it can't go on with what it left: the second try begins anew.
    if ! (packages_install "$package"); then
      note "the package's own set-up failed; once more"
      provision_clear
      packages_install "$package"
    fi
  fi
  packages_release
  my_place
  provision_is_ours || return 0
  if data_used "$data"; then my_stop 120 || die "the server doesn't stop"; fi
  printf '%s\n' "$settings" | my_drop_in_write || die "$drop_in can't be written"
  changed "$drop_in"
  timeout 60 systemctl disable --quiet "$unit" || die "systemd doesn't disable $unit"
  rm -f -- "$provision_mark"
}

verify() {
  my_place
  case $my_version in
    *" $series."*) ;;
    *) die "installed is $my_version, and the upstream runs $series: a copy needs the same series" ;;
  esac
  [ -e "$data/mysql.ibd" ] || die "$data holds no server's data: the package didn't make it"
  my_is_down || die "the server runs"
}
