#!/bin/bash
# Installs from Debian what building replform and running its lab need; says so first. Sourced by demo.sh, test.sh and the lab.
# Changes nothing where all is there already. Needs root. Rust itself is the reader's own.

# Prints which of the packages "$@" are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
  done
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if [ "${#missing[@]}" = 0 ]; then return 0; fi
  printf 'Installing from Debian: %s\n' "${missing[*]}" >&2
  DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}" </dev/null >/dev/null
}

# What `cargo build` needs besides Rust, and the lab's own packages.
install_for_lab() {
  if [ "$(id -u)" != 0 ]; then
    printf 'This needs root: it boots real hosts in a network namespace of their own.\n' >&2
    return 1
  fi
  if ! command -v cargo >/dev/null; then
    printf 'Rust is missing (cargo): install it first\n' >&2
    return 1
  fi
  install_packages build-essential pkg-config libssl-dev zlib1g-dev
  "$(dirname "${BASH_SOURCE[0]}")/lab/lab" install
}
