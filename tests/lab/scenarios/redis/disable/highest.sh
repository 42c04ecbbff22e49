#!/bin/sh
# Prints the writer's last number here.
set -eu
redis-cli lindex writer -1
