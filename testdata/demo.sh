#!/bin/bash
# replform in two minutes, on three real hosts: a PostgreSQL 15 primary with 200 MB of data that an application writes
# to all the time (db1), a bare Debian host (db2), and a host with an application's env file (web).
#
#   testdata/demo.sh         builds replform, brings the hosts up, plans, applies, plans again
#   testdata/demo.sh down    takes all of it away again
#
# Installs what it needs from Debian and says so first. Needs root and Rust. The hosts live in a network namespace of
# their own (testdata/lab/lab); nothing else on this machine is touched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=testdata/install.sh
. testdata/install.sh

lab=testdata/lab/lab
name=demo
project=${TMPDIR:-/tmp}/replform-demo
writer_log=/var/log/postgresql/demo-writer.log

title() { printf '\n== %s\n' "$*"; }

# Shows a command as a person would type it, then runs replform in the lab's network.
replform() {
  printf '\n$ replform %s\n' "$*"
  "$lab" exec "$name" -- "$binary" -chdir="$project" "$@"
}

in_host() { "$lab" enter "$name" "$@"; }

sql() { in_host "$1" runuser -u postgres -- psql -XAtqc "$2"; }

take_down() {
  "$lab" down "$name"
  rm -rf "$project"
}

build() {
  title "Building replform"
  cargo build
  binary=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/replform
}

bring_up_hosts() {
  title "Three real hosts"
  "$lab" up "$name" db1=bookworm-pg@10.77.1.11 db2=bookworm-bare@10.77.1.12 web=bookworm-bare@10.77.1.21
  sql db1 "create table ballast as select n, repeat(md5(n::text), 31) as filler from generate_series(1, 180000) n"
  in_host db1 sh -c 'cat >/usr/local/bin/demo-writer' <testdata/demo-writer.sh
  in_host db1 systemd-run --quiet --unit=demo-writer --uid=postgres bash /usr/local/bin/demo-writer "$writer_log"
  in_host web sh -c 'mkdir -p /etc/acme; printf "ACME_COLOUR=blue\n" >/etc/acme/database.env'
  "$lab" status "$name"
  printf 'db1 holds %s, and an application writes to it\n' "$(sql db1 "select pg_size_pretty(sum(pg_database_size(oid))) from pg_database")"
}

write_configuration() {
  mkdir -p "$project"
  cat >"$project/main.rf.hcl" <<HCL
replform { topology = "demo" }

ssh {
  user          = "root"
  identity_file = "/run/replform-lab/$name/id_ed25519"
  known_hosts   = "/run/replform-lab/$name/known_hosts"
}

stack "eu" {
  server "db1" { host = "10.77.1.11" }
  server "db2" { host = "10.77.1.12" }

  app "web" {
    hosts     = ["10.77.1.21"]
    env_file  = "/etc/acme/database.env"
    on_change = "touch /run/acme-reloaded"
  }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1

  replica "reader" { server = stack.eu.server.db2 }

  allow = ["restart"]   # a stock Debian server listens on loopback only: the first link restarts it

  env { targets = [stack.eu.app.web] }
}
HCL
  title "What is wanted: $project/main.rf.hcl"
  cat "$project/main.rf.hcl"
}

# The longest time between two acknowledged commits of the application, in seconds.
longest_gap() {
  in_host db1 cat "$writer_log" | awk 'NR > 1 && $2 - last > gap { gap = $2 - last } { last = $2 } END { printf "%.2f", gap }'
}

show_result() {
  title "What db2 says"
  sql db2 "select 'standby: ' || pg_is_in_recovery() || ', from ' || sender_host || ', ' || status from pg_stat_wal_receiver"
  printf 'orders on db1 %s, on db2 %s (an application goes on writing)\n' "$(sql db1 'select count(*) from orders')" \
    "$(sql db2 'select count(*) from orders')"
  printf 'longest time without a commit, seen by the application: %s s\n' "$(longest_gap)"
  title "The application's env file on web"
  in_host web cat /etc/acme/database.env
}

case "${1:-up}" in
  up) ;;
  down)
    take_down
    exit
    ;;
  *)
    printf 'usage: testdata/demo.sh [down]\n' >&2
    exit 2
    ;;
esac
install_for_lab
build
if [ -e "/run/replform-lab/$name" ]; then take_down; fi
bring_up_hosts
write_configuration
replform plan
replform apply -auto-approve
show_result
title "Planned again: nothing to do"
replform plan
cat <<END

Look around:  $lab ssh $name db2
              $lab exec $name -- $binary -chdir=$project status
Take it down: testdata/demo.sh down
END
