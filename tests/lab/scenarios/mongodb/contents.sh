#!/bin/sh
# Prints MongoDB's own checksum of each collection of every database here.
set -eu
labmongo contents
