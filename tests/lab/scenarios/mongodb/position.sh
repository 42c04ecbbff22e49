#!/bin/sh
# Prints the position that a secondary must have applied to hold all that was written here until now.
set -eu
labmongo position
