#!/bin/bash
# The lab's network namespace: one bridge, one cable per host. Sourced by `lab`, which sets $namespace, $state, $lab.
#
# Nothing here touches the machine's own network: every `ip` runs in, or names, the namespace rf-NAME.
# The namespace is entered with nsenter: `ip netns exec` remounts /sys, and systemd-nspawn then fails on cgroups.
# shellcheck disable=SC2154 # $namespace and the rest are set by `lab`

network_gateway=10.77.0.1 # the namespace's own address on the bridge: where replform and the writers come from

in_namespace() { nsenter --net="/run/netns/$namespace" "$@"; }

network_up() {
  [ ! -e "/run/netns/$namespace" ] || die "network namespace $namespace exists and is not this lab's: ip netns del $namespace"
  : >"$state/namespace" # from here on `down` may delete it
  ip netns add "$namespace"
  in_namespace ip link set lo up
  in_namespace ip link add lab0 type bridge
  in_namespace ip addr add "$network_gateway/16" dev lab0
  in_namespace ip link set lab0 up
}

network_down() {
  if [ -e "$state/namespace" ] && [ -e "/run/netns/$namespace" ]; then ip netns del "$namespace"; fi
}

# Plugs host $1's cable in: systemd-nspawn makes vb-HOST (its other end is the machine's eth0) but leaves it lying there.
# It asks for no bridge of systemd-nspawn's, since that one names the link after the machine, cut at 15 characters.
network_plug_in() {
  local tries
  for ((tries = 0; tries < 200; tries++)); do
    if in_namespace ip link set "vb-$1" master lab0 up 2>/dev/null; then return 0; fi
    sleep 0.02
  done
  die "$1 got no link: $(tail -n 5 "$state/hosts/$1/console")"
}

network_link_state() {
  in_namespace ip -o link show "vb-$1" 2>/dev/null | grep -q ',UP' && echo up || echo cut
}

lab_cut() {
  check_host "$1"
  in_namespace ip link set "vb-$1" down
}

lab_heal() {
  check_host "$1"
  in_namespace ip link set "vb-$1" up
}

lab_exec() {
  if [ "${1:-}" = -- ]; then shift; fi
  exec nsenter --net="/run/netns/$namespace" "$@"
}

# Ends what still runs in the namespace itself (replform, psql, ssh; the hosts have namespaces of their own).
network_end_processes() {
  if [ ! -e "$state/namespace" ] || [ ! -e "/run/netns/$namespace" ]; then return 0; fi
  local pid signal
  for signal in TERM KILL; do
    for pid in $(ip netns pids "$namespace"); do
      # The machines' supervisors live here as well; host_kill ends them and waits for them.
      if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != systemd-nspawn ] && [ "$pid" != $$ ]; then
        kill -s "$signal" "$pid" 2>/dev/null || true
      fi
    done
    if [ "$signal" = TERM ]; then sleep 0.2; fi
  done
}
