#!/bin/sh
# Makes a user that may replicate.
set -eu
redis-cli ACL SETUSER by_hand on '>by-hand' resetkeys +ping +replconf +psync +sync >/dev/null
