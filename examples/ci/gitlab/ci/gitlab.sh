#!/bin/bash
# What the pipeline says to GitLab, by its REST API: a merge request's note kept in place, the hash that was approved in it,
# the newest facts, and one issue for drift.
#
#   gitlab.sh comment REQUEST FILE   FILE becomes the note that begins with the same line; a new one where there is none
#   gitlab.sh approved SHA           prints the hash in the note of the merge request that SHA came from
#   gitlab.sh facts FILE             the newest facts.json that the job "observe" left on the default branch
#   gitlab.sh drift-issue FILE       one open issue with FILE's text; without FILE, the open one is closed
#
# Needs curl and jq, and in the environment: REPLFORM_TOKEN, and as GitLab sets them CI_API_V4_URL, CI_PROJECT_ID, CI_DEFAULT_BRANCH.
set -euo pipefail

project=$CI_API_V4_URL/projects/$CI_PROJECT_ID

# api METHOD URL [JSON]: the answer's body; the token stands in no argument list.
api() {
  local data=()
  if [ $# -ge 3 ]; then data=(--header 'Content-Type: application/json' --data-binary "@$3"); fi
  curl --silent --show-error --fail-with-body --location --max-time 60 --retry 2 --request "$1" --url "$2" --header "@$headers" "${data[@]}"
}

folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
headers=$folder/headers
(umask 077 && printf 'PRIVATE-TOKEN: %s\n' "$REPLFORM_TOKEN" >"$headers")

# note_with REQUEST LINE: id and body of the first note that begins with LINE.
note_with() {
  local page=1 found
  while :; do
    api GET "$project/merge_requests/$1/notes?per_page=100&page=$page&sort=asc" >"$folder/notes"
    found=$(jq -c --arg line "$2" 'map(select(.body | startswith($line))) | first // empty | {id, body}' "$folder/notes")
    if [ -n "$found" ]; then
      printf '%s\n' "$found"
      return
    fi
    if [ "$(jq length "$folder/notes")" -lt 100 ]; then return; fi
    page=$((page + 1))
  done
}

comment() {
  local found id
  jq --null-input --rawfile body "$2" '{body: $body}' >"$folder/body"
  found=$(note_with "$1" "$(head -n 1 "$2")")
  if [ -z "$found" ]; then
    api POST "$project/merge_requests/$1/notes" "$folder/body" >/dev/null
    return
  fi
  id=$(jq .id <<<"$found")
  if [ "$(jq -r .body <<<"$found")" = "$(cat "$2")" ]; then return; fi
  api PUT "$project/merge_requests/$1/notes/$id" "$folder/body" >/dev/null
}

approved() {
  local request body hash
  api GET "$project/repository/commits/$1/merge_requests" >"$folder/requests"
  request=$(jq -r 'map(select(.state == "merged")) | first | .iid // empty' "$folder/requests")
  if [ -z "$request" ]; then
    echo "commit $1 came from no merge request: nobody approved a plan" >&2
    return 1
  fi
  body=$(note_with "$request" '<!-- replform plan: ' | jq -r .body)
  hash=$(sed -nE 's/.*-expect-plan=([0-9a-f]{64}).*/\1/p' <<<"$body")
  if [ -z "$hash" ]; then
    if grep -q '^### .*: no changes' <<<"$body"; then return; fi
    echo "merge request $request has no note with a plan that can be applied" >&2
    return 1
  fi
  printf '%s\n' "$hash"
}

drift_issue() {
  local number
  api GET "$project/issues?state=opened&labels=replform-drift&per_page=1" >"$folder/issues"
  number=$(jq -r 'first | .iid // empty' "$folder/issues")
  if [ $# = 0 ]; then
    if [ -z "$number" ]; then return; fi
    echo '{"state_event": "close"}' >"$folder/body"
    api PUT "$project/issues/$number" "$folder/body" >/dev/null
  elif [ -z "$number" ]; then
    jq --null-input --rawfile body "$1" '{title: "Databases differ from the configuration", labels: "replform-drift", description: $body}' >"$folder/body"
    api POST "$project/issues" "$folder/body" >/dev/null
  else
    jq --null-input --rawfile body "$1" '{description: $body}' >"$folder/body"
    api PUT "$project/issues/$number" "$folder/body" >/dev/null
  fi
}

case ${1:-} in
  comment) comment "$2" "$3" ;;
  approved) approved "$2" ;;
  facts) api GET "$project/jobs/artifacts/$CI_DEFAULT_BRANCH/raw/facts.json?job=observe" >"$2" ;;
  drift-issue) shift && drift_issue "$@" ;;
  *)
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 1
    ;;
esac
