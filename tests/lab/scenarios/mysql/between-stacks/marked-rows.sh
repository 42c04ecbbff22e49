#!/bin/sh
# Writes rows that can be known again on the wire.
set -eu
mysql <<'END'
create database if not exists app;
create table if not exists app.marked (n int primary key auto_increment, text varchar(100));
insert into app.marked (text) with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 900)
  select concat('canary-row-5b7e ', n) from numbers;
END
