#!/bin/sh
# Makes an authority of the user's own, and another one, beside the configuration.
set -eu
umask 077
mkdir -p own
for name in ca other; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 100 -subj "/CN=$name" -keyout own/$name.key -out own/$name.crt 2>/dev/null
done
