#!/bin/sh
# Prints every number that the writer's table holds here.
set -eu
mariadb --batch --skip-column-names -e 'select n from app.writer'
