#!/bin/sh
# Starts the server, alone as the package sets it up, and fills it with $megabytes of documents.
set -eu
systemctl enable --now mongod
until labmongo position >/dev/null 2>&1; do sleep 0.1; done
labmongo fill shop "${megabytes:?}"
