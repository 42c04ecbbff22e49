#!/bin/bash
# replform's whole test suite: what needs neither root nor hosts first, then end to end on real hosts.
#
# Installs what it needs from Debian and says so first; builds the lab's images once (into /var/cache/replform-lab).
# Leaves no host behind. Needs root, Rust and about 20 GB of disk; under 45 minutes on two cores, images included.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=testdata/install.sh
. testdata/install.sh

install_for_lab
install_packages curl jq
cargo test
# Those that scenarios name; the lab's own tests need no others.
mapfile -t images < <(sed -nE 's/^ *image *= *"([a-z0-9-]+)"$/\1/p' tests/lab/scenarios/*/*/scenario.hcl | sort -u)
testdata/lab/lab image "${images[@]}"
# Figures (measured::…) are no tests: the README says how to take them.
cargo test --test lab -- --ignored --skip measured --test-threads=3
