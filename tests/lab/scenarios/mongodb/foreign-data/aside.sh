#!/bin/sh
# Prints the databases in the directory that was set aside, by a mongod of its own on a copy of it.
set -eu
cp -a /var/lib/mongodb.replform-* /var/tmp/aside
systemctl stop mongod
cp /etc/mongod.conf /root/mongod.conf
printf 'net:\n  port: 27017\nstorage:\n  dbPath: /var/tmp/aside\n' >/etc/mongod.conf
systemctl start mongod
until labmongo position >/dev/null 2>&1; do sleep 0.1; done
labmongo contents | cut -d ' ' -f 1 | sort -u | paste -s -d ' '
systemctl stop mongod
cp /root/mongod.conf /etc/mongod.conf
systemctl start mongod
