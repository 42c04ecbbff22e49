#!/bin/sh
# rs.remove, of the members that were added by hand.
set -eu
for member in ${members:?}; do sh /root/set.sh remove 127.0.0.1 "$member"; done
