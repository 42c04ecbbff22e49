#!/bin/sh
# Ends well when this server is a secondary of the set whose primary is $primary and has applied $position.
set -eu
labmongo applied "${primary:?}" "${position:?}"
