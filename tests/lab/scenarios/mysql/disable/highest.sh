#!/bin/sh
# Prints the writer's last number here.
set -eu
mysql -NBe 'select max(n) from app.writer'
