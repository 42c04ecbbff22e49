#!/bin/bash
# The live application: one document every 5 ms or so, written through the loopback. Prints each number that the server
# acknowledged, and `lost` when its connection went; connects again at once, and never uses a number twice. Stopped by its unit.
set -eu
exec labmongo writer
