#!/bin/sh
# Prints the set's key as replform hands it on to a new member.
set -eu
base64 -w 0 /etc/mongod.replform.key
