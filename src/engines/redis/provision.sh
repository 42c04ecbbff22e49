# shellcheck shell=sh disable=SC2154
# Installs Redis or Valkey on a bare host. Its server is left stopped and isn't started at boot: a fresh one must not run as a
# primary that apps could write to.
#
# Changes packages (apt-get), the server's part of the configuration that is ours (port, dir), its unit (disabled), the data
# directory's place where another than Debian's is asked for. Proves that the server is there, stopped, with this port and directory. Can
# be run again after a cut: its mark says that what is there is ours.
# Variables: kind, conf, port; package (redis-server); data_directory (empty: Debian's); reach (ADDRESS:PORT of the upstream,
# tried before anything is installed; empty: not tried).

provision_mark() { printf '/var/lib/replform/making.%s' "$kind"; }

provision_is_ours() { [ "$(cat -- "$(provision_mark)" 2>/dev/null)" = "$port" ]; }

provision_directory() { printf '%s' "${data_directory:-/var/lib/$kind}"; }

check() {
  case $kind:$package:$conf in
    redis:redis-server:/etc/redis/redis.conf | valkey:valkey-server:/etc/valkey/valkey.conf) ;;
    *) die "\"$package\" isn't the server's package" ;;
  esac
  reach_check "$reach"
  if packages_installed "$package"; then
    provision_is_ours || die "$package is installed here by now: plan again"
    return 0
  fi
  packages_known "$package" || die "this host's package sources have no $package; add one that has, then apt-get update"
  data_holds_nothing "$(provision_directory)" ||
    die "$(provision_directory) isn't empty and belongs to no server: move it away, or name another data_directory"
}

run() {
  own_directory
  if ! packages_installed "$package"; then
    printf '%s\n' "$port" | write_file "$(provision_mark)" 0600 root:root || die "$(provision_mark) can't be written"
    packages_hold
    (packages_install "$package") || {
      packages_release
      exit 21
    }
  fi
  packages_release
  if provision_is_ours; then provision_settle; fi
}

provision_settle() {
  rd_place
  [ "$(rd_unit)" = inactive ] || rd_stop 60 || die "the server doesn't stop"
  systemctl --quiet disable "$unit" 2>/dev/null || die "systemd doesn't disable $unit"
  place=$(provision_directory)
  if [ "$place" != "$data" ]; then
    [ -d "${place%/*}" ] || die "${place%/*} isn't there"
    install -d -m 0750 -o "$owner" -g "$owner" -- "$place" || die "$place can't be made"
    printf 'dir %s\n' "$place" | rd_block_put
    data=$place
    rd_drop_in_replica
  fi
  [ "$(rd_conf port)" = "$port" ] || printf 'port %s\n' "$port" | rd_block_put
  rm -f -- "$(provision_mark)"
}

verify() {
  rd_place
  packages_installed "$package" || die "$package isn't installed"
  [ "$(rd_conf port)" = "$port" ] || die "$conf has port $(rd_conf port)"
  [ "$data" = "$(provision_directory)" ] || die "$conf has the directory $data"
  [ "$(rd_unit)" = inactive ] || die "the server runs, or is $(rd_unit)"
}
