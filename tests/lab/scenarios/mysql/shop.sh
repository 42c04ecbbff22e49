#!/bin/sh
# Makes the database shop, and stops the server cleanly, so that a checksum over its files stays the same.
set -eu
mysql -e "create database shop; create table shop.orders (n int primary key); insert into shop.orders values (1), (2); set global innodb_fast_shutdown = 0"
if [ "${leave:-stopped}" = stopped ]; then systemctl stop mysql; fi
