#!/bin/sh
# Prints every number that the writer's table holds here.
set -eu
mysql -NBe 'select n from app.writer'
