# shellcheck shell=sh disable=SC2154,SC2034
# Proves that a member follows: it is a secondary of the right set, and has applied everything that the primary had written
# when asked. A member refuses writes by itself, whoever asks.
#
# Changes nothing, in any phase. Can be run again. Prints `measured caught_up` (seconds).
# Variables: unit, port; upstream (HOST:PORT of the primary's server), set, deadline (seconds for catching up).

check() { mongo_place; }

run() { :; }

verify() {
  t0=$(now)
  mongo_look
  case $state in
    secondary | primary) ;;
    *)
      behind=$(mongo behind 2>/dev/null)
      [ -z "$behind" ] || die "$behind"
      die "the server's state is $state"
      ;;
  esac
  [ "$set_now" = "$set" ] || die "the server is a member of the set \"$set_now\", not of \"$set\""
  said=$(mongo_limit=$((${deadline:-120} + 20)) mongo caught-up "$upstream" "${deadline:-120}" 2>&1) || die "it hasn't caught up: $(mongo_said "$said")"
  note "member of $set as $me_now, $said"
  measured caught_up "$(since "$t0")"
}
