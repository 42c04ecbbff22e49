#!/bin/bash
# The lab's hosts: systemd-nspawn machines on overlay mounts. Sourced by `lab`, which sets $state, $disks, $lab.
#
# Facts of a host lie in $state/hosts/HOST/{image,address,pid}, its file system in $disks/HOST/{upper,work,root}.
# A process is only ever ended when it is a systemd-nspawn that serves exactly this host's root directory (or its child).
# shellcheck disable=SC2154 # $state and the rest are set by `lab`

hosts() { ls "$state/hosts" 2>/dev/null || true; }

host_fact() { cat "$state/hosts/$1/$2"; }

check_host() {
  if [ -n "${1:-}" ] && [ -d "$state/hosts/$1" ]; then return 0; fi
  die "lab $lab has no host '${1:-}': $(hosts | tr '\n' ' ')"
}

# Makes the host's disk: an overlay over its image, with its own address, host key, and the lab's key let in.
host_create() {
  local host=$1 image=$2 address=$3 root=$disks/$1/root home
  mkdir -p "$state/hosts/$host"
  printf '%s\n' "$image" >"$state/hosts/$host/image"
  printf '%s\n' "$address" >"$state/hosts/$host/address"
  mkdir -p "$disks/$host/upper" "$disks/$host/work" "$root"
  mount -t overlay overlay -o "lowerdir=$(image_path "$image"),upperdir=$disks/$host/upper,workdir=$disks/$host/work" "$root"
  printf '%s\n' "$host" >"$root/etc/hostname"
  printf '[Match]\nName=eth0\n[Network]\nAddress=%s/16\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n' \
    "$address" >"$root/etc/systemd/network/10-lab.network"
  ssh-keygen -q -t ed25519 -N '' -C "root@$host" -f "$root/etc/ssh/ssh_host_ed25519_key"
  printf '%s %s\n' "$address" "$(cut -d' ' -f1,2 "$root/etc/ssh/ssh_host_ed25519_key.pub")" >>"$state/known_hosts"
  for home in root home/deploy; do
    install -d -m 0700 "$root/$home/.ssh"
    install -m 0600 "$state/id_ed25519.pub" "$root/$home/.ssh/authorized_keys"
  done
  chown -R --reference="$root/home/deploy" "$root/home/deploy/.ssh"
}

# Every host knows every other by name.
host_write_names() {
  local host other
  for host in $(hosts); do
    {
      printf '127.0.0.1 localhost\n'
      for other in $(hosts); do printf '%s %s\n' "$(host_fact "$other" address)" "$other"; done
    } >"$disks/$host/root/etc/hosts"
  done
}

# Prints the host's own control groups, one in each tree that systemd uses; nothing where a systemd runs this machine and
# gives each host a scope. Without them all hosts would share one tree, and a unit would seem to run as long as a unit of
# that name runs on any host of any lab.
host_cgroups() {
  [ ! -d /run/systemd/system ] || return 0
  local top
  for top in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    if [ -e "$top/cgroup.procs" ]; then printf '%s/replform-lab/%s/%s\n' "$top" "$lab" "$1"; fi
  done
}

# Takes the host's control groups away; its processes have ended.
host_remove_cgroups() {
  local cgroup tries
  for cgroup in $(host_cgroups "$1"); do
    for ((tries = 0; tries < 100; tries++)); do
      [ -d "$cgroup" ] || break
      find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
    done
    rmdir "${cgroup%/*}" "${cgroup%/*/*}" 2>/dev/null || true # the last one out
  done
}

# Prints what systemd-nspawn's environment needs: the systemd of sid refuses to run with the legacy control groups.
host_environment() {
  case $(host_fact "$1" image) in sid-*) echo SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 ;; esac
}

# Starts the machine in a session of its own. The pid is written down before it becomes systemd-nspawn.
host_boot() {
  local host=$1
  local -a cgroups environment
  local -a options=(--quiet "--directory=$disks/$host/root" "--machine=$host.$lab" "--hostname=$host" --register=no
    "--network-veth-extra=vb-$host:eth0" --resolv-conf=off --link-journal=no --timezone=off
    --system-call-filter=@memlock --boot) # mongod locks its keys in memory
  mapfile -t cgroups < <(host_cgroups "$host")
  mapfile -t environment < <(host_environment "$host")
  if [ "${#cgroups[@]}" -gt 0 ]; then
    options+=(--keep-unit)
    mkdir -p "${cgroups[@]}"
  fi
  # shellcheck disable=SC2016 # expanded by the inner shell
  setsid --fork bash -c 'echo $$ >"$1"; for ((n = $2; n > 0; n--)); do echo $$ >"$3/cgroup.procs"; set -- "$1" "$2" "${@:4}"; done
    shift 2; exec "$@"' bash "$state/hosts/$host/pid" "${#cgroups[@]}" "${cgroups[@]}" \
    env "${environment[@]}" nsenter --net="/run/netns/$namespace" systemd-nspawn "${options[@]}" \
    </dev/null >>"$state/hosts/$host/console" 2>&1
  network_plug_in "$host"
}

# Prints the pid of the host's supervisor if it runs, else fails.
host_supervisor() {
  local pid
  pid=$(cat "$state/hosts/$1/pid" 2>/dev/null) && [ -n "$pid" ] || return 1
  { tr '\0' '\n' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qxF -- "--directory=$disks/$1/root" || return 1
  printf '%s\n' "$pid"
}

# Prints the pid of the host's init, as this machine sees it.
host_init() {
  local supervisor
  supervisor=$(host_supervisor "$1") && pgrep -P "$supervisor" -x systemd
}

host_is_on() { host_init "$1" >/dev/null; }

# Waits until the host answers SSH and has started all it starts at boot, PostgreSQL's cluster included.
host_wait() {
  local host=$1 deadline=$((SECONDS + 60)) address
  address=$(host_fact "$host" address)
  until in_namespace timeout 2 bash -c "read -r banner </dev/tcp/$address/22 && [[ \$banner == SSH-* ]]" 2>/dev/null &&
    [[ $(host_enter "$host" systemctl is-system-running 2>&1) =~ running|degraded ]]; do
    host_supervisor "$host" >/dev/null || die "$host did not boot: $(tail -n 5 "$state/hosts/$host/console")"
    [ "$SECONDS" -lt "$deadline" ] || die "$host does not answer after 60 s; its console: $state/hosts/$host/console"
    sleep 0.1
  done
}

# Sets the array $entrance to the command that enters host $1, past its network and sshd.
host_find_entrance() {
  local init
  init=$(host_init "$1") || die "$1 is off"
  entrance=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root
    nsenter --target "$init" --mount --uts --ipc --net --pid --root)
}

# Runs a command inside the host. Its standard input is the caller's.
host_enter() {
  local entrance
  host_find_entrance "$1"
  shift
  "${entrance[@]}" "$@"
}

# Pulls the plug: SIGKILL for init takes every process of the host along.
host_kill() {
  local host=$1 supervisor init deadline=$((SECONDS + 20))
  if ! supervisor=$(host_supervisor "$host"); then return 0; fi
  if init=$(host_init "$host"); then kill -s KILL "$init" 2>/dev/null || true; else kill -s KILL "$supervisor" 2>/dev/null || true; fi
  while host_supervisor "$host" >/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then die "$host (pid $supervisor) does not end"; fi
    sleep 0.05
  done
}

# Removes the mount and the control group of a host that has ended.
host_unmount() {
  host_remove_cgroups "$1"
  local root=$disks/$1/root tries
  for ((tries = 0; tries < 50; tries++)); do
    mountpoint -q "$root" || return 0
    umount "$root" 2>/dev/null || sleep 0.1
  done
  umount --lazy "$root"
}

# Removes the hosts' file systems, also those that a lab which died left behind. Never enters a mount.
host_remove_disks() {
  [ -e "$disks" ] || return 0
  is_ours "$disks" || die "$disks was not made by this script: left alone"
  local root
  for root in "$disks"/*/root; do
    if mountpoint -q "$root" 2>/dev/null; then umount "$root"; fi
  done
  rm -rf --one-file-system "$disks"
}

lab_ssh() {
  local target=$1 user=root
  shift
  case "$target" in *@*) user=${target%@*} target=${target#*@} ;; esac
  check_host "$target"
  exec nsenter --net="/run/netns/$namespace" ssh -F none -i "$state/id_ed25519" -o IdentitiesOnly=yes \
    -o UserKnownHostsFile="$state/known_hosts" -o StrictHostKeyChecking=yes -o LogLevel=ERROR \
    "$user@$(host_fact "$target" address)" "$@"
}

lab_enter() {
  local entrance
  check_host "${1:-}"
  host_find_entrance "$1"
  shift
  exec "${entrance[@]}" "$@"
}

lab_power_off() {
  check_host "$1"
  host_kill "$1"
  host_remove_cgroups "$1"
}

lab_power_on() {
  check_host "$1"
  if host_is_on "$1"; then return 0; fi
  host_boot "$1"
  host_wait "$1"
}

lab_fill() {
  local host=$1 path=${2:?usage: lab fill NAME HOST PATH SIZE} size=${3:?usage: lab fill NAME HOST PATH SIZE}
  check_host "$host"
  # shellcheck disable=SC2016 # expanded in the host
  host_enter "$host" sh -ec '
    if mountpoint -q "$1"; then mount -o "remount,size=$2" "$1"; exit; fi
    mkdir -p "$1"
    [ -z "$(ls -A "$1")" ] || { echo "$1 has something in it already" >&2; exit 1; }
    mount -t tmpfs -o "size=$2,mode=$(stat -c %a "$1"),uid=$(stat -c %u "$1"),gid=$(stat -c %g "$1")" lab-disk "$1"
  ' sh "$path" "$size"
}
