#!/bin/sh
# Gives an app host the env file of an app that runs already, with an owner and a mode of its own.
set -eu
mkdir -p /etc/acme
printf 'ACME_COLOUR=blue\n' >/etc/acme/database.env
chown deploy:www-data /etc/acme/database.env
chmod 0640 /etc/acme/database.env
