#!/bin/sh
# Prints how many copies this server has sent, or begun to send.
set -eu
journalctl --no-pager -o cat | grep -c '^Started replform.*sends a copy'
