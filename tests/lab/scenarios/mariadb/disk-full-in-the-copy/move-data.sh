#!/bin/sh
# Puts the server's data on the small disk, as a host with a volume of its own for it has it.
set -eu
systemctl stop mariadb.socket mariadb
mv /var/lib/mysql /srv/volume/mysql
printf '[mariadb]\ndatadir = /srv/volume/mysql\n' >/etc/mysql/mariadb.conf.d/60-local.cnf
systemctl start mariadb
