#!/bin/sh
# Loads about $megabytes of rows that don't compress, and tables of the sorts that need care: without a key, without transactions.
set -eu
rows=$((${megabytes:?} * 1000))
mariadb -e "create database if not exists ballast; use ballast;
 create table filler (n bigint primary key auto_increment, data varbinary(1000));
 insert into filler (data) select random_bytes(950) from seq_1_to_$rows;
 create table keyless (a int); insert into keyless values (1), (2), (2);
 create table plain (a int primary key, b varchar(20)) engine=MyISAM; insert into plain values (1, 'one');"
