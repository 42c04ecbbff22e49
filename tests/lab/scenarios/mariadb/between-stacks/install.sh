#!/bin/sh
# A host as its provider hands it over, with the distribution's server on it and no openssl program: replform brings that.
set -eu
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mariadb-server >/dev/null 2>&1
if [ -e /usr/bin/openssl ]; then exit 1; fi
systemctl is-active mariadb
