# shellcheck shell=sh disable=SC2154,SC2034
# Installs mongod on a bare host from the host's own package sources, and leaves it stopped: a fresh server must not run alone
# where apps could write to it.
#
# Changes packages (apt-get). Proves that the unit is there and stopped. Can be run again after a cut.
# Variables: unit, port; package (mongodb-org-server), package_version (its exact version); reach (ADDRESS:PORT of the upstream,
# tried before anything is installed; empty: not tried).

check() {
  reach_check "$reach"
  if packages_installed "$package"; then return 0; fi
  apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= madison "$package" 2>/dev/null </dev/null |
    awk -F ' *[|] *' -v v="$package_version" '$2 == v { found = 1 } END { exit !found }' ||
    die "this host's package sources have no $package $package_version any more: plan again"
}

run() {
  packages_hold
  trap packages_release EXIT
  packages_install "$package=$package_version"
  packages_release
  trap - EXIT
  systemctl daemon-reload
}

verify() {
  [ -n "$(mongo_command)" ] || die "$package is installed, but there is no unit $unit that starts a mongod"
  [ -z "$(mongo_pid)" ] || die "$unit runs: it was to be left stopped"
}
