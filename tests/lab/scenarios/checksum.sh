#!/bin/sh
# Prints one checksum over names, owners, modes and contents of all files below $directory. Changes nothing.
set -eu
cd "${directory:?}"
{
  find . -printf '%p %u %m\n' | LC_ALL=C sort
  find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum
