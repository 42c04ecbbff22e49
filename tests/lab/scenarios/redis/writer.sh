#!/bin/bash
# The live application: one number every 5 ms or so onto a list, over the loopback. Prints each number that the server
# acknowledged, and `lost` when its connection went; connects again at once, and never uses a number twice. Stopped by its unit.
set -u
trap '' PIPE # a server that went away is an answer, not the end
for kind in redis valkey; do [ -e "/etc/$kind/$kind.conf" ] && break; done
word=$(sed -n 's/^requirepass "\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "/etc/$kind/$kind.conf" | tail -n 1)

connect() {
  exec {server}<>/dev/tcp/127.0.0.1/6379 || return
  [ -z "$word" ] || { printf 'AUTH %s\r\n' "$word" >&"$server" && read -r answer <&"$server"; }
}

n=0
until connect; do sleep 0.1; done
while :; do
  n=$((n + 1))
  answer=
  if printf 'RPUSH writer %d\r\n' "$n" >&"$server" && read -r -t 10 answer <&"$server" && [[ $answer == :* ]]; then
    echo "$n" || exit
    sleep 0.005
  else
    echo lost || exit
    exec {server}>&-
    until connect; do sleep 0.05; done
  fi
done 2>/dev/null
