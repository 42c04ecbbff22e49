# shellcheck shell=sh disable=SC2154,SC2034
# Gives the members that have joined their votes, one change of the set's configuration each: until all have their copies, the
# set's majority is what it was before, and none of them can take it away by being cut off.
#
# Changes votes, priority and our tag of these members, on whoever is primary; nothing else in the set's configuration. Proves
# that each has its vote. Can be run again: a member that has its vote keeps what it has.
# Variables: unit, port; upstream (HOST:PORT of the primary's server), set_id (may be empty), members (HOST:PORT, one a line).

check() { mongo_place; }

votes_give() {
  # shellcheck disable=SC2086 # addresses are words
  said=$(mongo_limit=600 mongo vote "$upstream" "${set_id:-}" $members 2>&1)
}

run() {
  votes_give || die "a vote can't be given: $(mongo_said "$said")"
  printf '%s\n' "$said" | while IFS= read -r one; do
    [ -z "$one" ] || changed "$one"
  done
}

verify() {
  votes_give || die "a vote wasn't given: $(mongo_said "$said")"
  [ -z "$said" ] || die "a vote had to be given again: $(mongo_said "$said")"
}
