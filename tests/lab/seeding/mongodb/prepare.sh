#!/bin/sh
# Nothing: the set is there since the first round.
set -eu
labmongo votes >/dev/null
