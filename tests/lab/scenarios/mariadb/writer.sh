#!/bin/bash
# The live application: one row per commit every 5 ms or so, over the local socket, so it writes before the server listens
# on the network and loses its connection when the server restarts. Prints each number that the server acknowledged, and
# `lost` when its connection went; connects again at once, and never uses a number twice. Stopped by its unit.
set -u
trap '' PIPE # a server that went away is an answer, not the end
cd /

connect() {
  coproc server { exec mariadb --no-defaults --user=root --batch --skip-column-names --unbuffered --skip-reconnect app 2>/dev/null; }
  exec {statements}>&"${server[1]}" {answers}<&"${server[0]}"
}

until mariadb -e 'create database if not exists app; create table if not exists app.writer (n bigint primary key, at timestamp(6) not null)' 2>/dev/null; do
  sleep 0.1
done
n=0
connect
while :; do
  n=$((n + 1))
  answer=
  if echo "insert into writer values ($n, now(6)); select $n;" >&"$statements" &&
    read -r answer <&"$answers" && [ "$answer" = "$n" ]; then
    echo "$n" || exit
    sleep 0.005
  else
    echo lost || exit
    exec {statements}>&- {answers}<&-
    wait
    connect
  fi
done 2>/dev/null
