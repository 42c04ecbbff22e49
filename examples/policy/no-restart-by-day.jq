# A policy on `replform plan -json`: what is refused, one sentence each; an empty list: fine.
#   replform plan -json | jq -e --from-file no-restart-by-day.jq
# Primaries don't restart by these plans, and nobody's data is set aside.
[
  (.outlook.restarts[] | "restarts: " + .what),
  (.steps[] | select(.cost.no_writes_seconds != null) | "no writes for a while: " + .replication),
  (.findings[] | select(.severity.is == "hazard" and .severity.hazard == "replace_data") | "sets data aside: " + .subject)
]
| if length == 0 then "the policy has nothing against it" else error(join("\n")) end
