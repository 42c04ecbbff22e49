#!/bin/sh
# Puts the server's data, and the place where copies are made, on one small disk, as a host with a volume of its own has it.
set -eu
systemctl stop mysql
mkdir /srv/volume/files
chown mysql:mysql /srv/volume/files
chmod 700 /srv/volume/files
mount --bind /srv/volume/files /var/lib/mysql-files
mv /var/lib/mysql /srv/volume/mysql
printf '[mysqld]\ndatadir = /srv/volume/mysql\n' >/etc/mysql/mysql.conf.d/y-local.cnf
systemctl start mysql
