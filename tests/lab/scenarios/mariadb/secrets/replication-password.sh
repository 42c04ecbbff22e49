#!/bin/sh
# Prints the replication password, as the replica's own file has it.
set -eu
sed -n 's/^password = //p' /etc/mysql/replform.client
