# shellcheck shell=sh disable=SC2154
# Proves that a replica follows: its link is up, it is on its upstream's history, and it has applied all that the upstream had
# written when it was asked.
#
# Changes nothing, in any phase. Can be run again. Prints `measured caught_up` (seconds).
# Variables: kind, conf, port; upstream_address, upstream_port, role, deadline (seconds for catching up; a link must be up, or its
# first synchronisation be on its way, within 60).

check() {
  rd_place
  [ -n "$(rd_word 1)" ] || die "$conf has no masterauth: the link comes first"
}

run() { :; }

verify_state() { state=$(echo 'INFO replication' | rd_limit=5 rd_ask); }

verify_link() { printf '%s\n' "$state" | rd_field master_link_status; }

verify_connects() {
  verify_state
  [ "$(verify_link)" = up ] || [ "$(printf '%s\n' "$state" | rd_field master_sync_in_progress)" = 1 ]
}

verify_applied() {
  verify_state
  [ "$(verify_link)" = up ] && [ "$(printf '%s\n' "$state" | rd_field master_replid)" = "$target_id" ] &&
    [ "$(printf '%s\n' "$state" | rd_field slave_repl_offset)" -ge "$target" ] 2>/dev/null
}

# What is in the way, for people.
verify_why() {
  case $state in
    *role:slave*)
      printf 'link %s, applied up to %s; ' "$(verify_link)" "$(printf '%s\n' "$state" | rd_field slave_repl_offset)"
      tail -n 40 -- "$log" 2>/dev/null | grep -aE 'MASTER|PRIMARY|SYNC|AUTH' | tail -n 1 | sed -E 's/^[^*#.-]*[*#.-] /its log: /'
      ;;
    *role:master*) printf 'it is a primary' ;;
    *) printf '%s' "$state" | head -n 1 ;;
  esac
}

verify() {
  t0=$(now)
  wait_until 60 verify_connects || die "it doesn't follow $upstream_address:$upstream_port after 60 s: $(verify_why | tr '\n' ' ')"
  said=$(echo 'INFO replication' | rd_upstream)
  target=$(printf '%s\n' "$said" | rd_field master_repl_offset) target_id=$(printf '%s\n' "$said" | rd_field master_replid)
  case $target in
    '' | *[!0-9]*) die "the upstream doesn't tell its place: $(printf '%s' "$said" | head -n 1 | cut -c 1-300)" ;;
  esac
  wait_until "${deadline:-120}" verify_applied || die "it hasn't applied $target after ${deadline:-120} s: $(verify_why | tr '\n' ' ')"
  [ "$(printf '%s\n' "$state" | rd_field slave_read_only)" = 1 ] || die "it takes writes (replica-read-only is off)"
  note "follows $upstream_address:$upstream_port, applied up to $target"
  measured caught_up "$(since "$t0")"
}
