#!/bin/sh
# Writes rows that can be known again on the wire.
set -eu
mariadb <<'END'
create database if not exists app;
use app;
create table if not exists app.marked (n int primary key, text varchar(100));
set @last = (select ifnull(max(n), 0) from app.marked);
insert into app.marked select @last + seq, concat('canary-row-5b7e ', seq) from seq_1_to_900;
END
