#!/bin/sh
# Makes the server one that writes its transactions without GTIDs, as older ones do by default.
set -eu
printf '[mysqld]\ngtid_mode = OFF\nenforce_gtid_consistency = OFF\n' >/etc/mysql/mysql.conf.d/old.cnf
systemctl restart mysql
mysql -e 'create database app; create table app.old (n int primary key); insert into app.old values (1)'
