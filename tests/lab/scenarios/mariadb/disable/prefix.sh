#!/bin/sh
# Prints number and checksum of what the writer wrote until $upto (all, where it isn't given).
set -eu
mariadb --batch --skip-column-names -e "set session group_concat_max_len = 1 << 30;
  select count(*), md5(group_concat(n order by n)) from app.writer where n <= ${upto:-9223372036854775807}"
