#!/bin/sh
# Prints the set's key.
set -eu
cat /etc/mongod.replform.key
