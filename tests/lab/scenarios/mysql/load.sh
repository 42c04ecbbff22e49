#!/bin/sh
# Loads about $megabytes of rows into table app.ballast.
set -eu
rows=$((${megabytes:?} * 1000))
mysql <<END
set session cte_max_recursion_depth = 10000000;
create database if not exists app;
create table app.ballast (n int primary key, filler char(255) character set latin1 not null, more varchar(700) character set latin1 not null);
insert into app.ballast with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < $rows)
  select n, repeat(sha2(n, 256), 3), repeat(sha2(-n, 256), 10) from numbers;
END
