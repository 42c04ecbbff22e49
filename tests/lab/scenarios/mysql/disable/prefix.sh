#!/bin/sh
# Prints number and checksum of what the writer wrote until $upto (all, where it isn't given).
set -eu
mysql -NBe "set session group_concat_max_len = 1 << 30;
  select count(*), sha2(group_concat(n order by n), 256) from app.writer where n <= ${upto:-9223372036854775807}"
