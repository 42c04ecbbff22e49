#!/bin/sh
# Has the server keep its data on the small disk, as a host with a volume of its own for it has it. It isn't started yet.
set -eu
install -d -o mongodb -g mongodb -m 0755 /srv/volume/mongodb
sed -i 's|dbPath: .*|dbPath: /srv/volume/mongodb|' /etc/mongod.conf
