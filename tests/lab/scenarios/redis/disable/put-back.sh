#!/bin/sh
# Prints the names of the settings that aren't as they were ($before: what settings.sh printed).
set -eu
redis-cli config get '*' | paste - - | while IFS= read -r line; do
  printf '%s\n' "${before:?}" | grep -qxF -- "$line" || printf '%s\n' "$line" | cut -f 1
done | sort
