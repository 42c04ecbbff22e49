#!/bin/sh
# Prints the writer's last number here.
set -eu
mariadb --batch --skip-column-names -e 'select max(n) from app.writer'
