#!/bin/bash
# What the workflow says to GitHub, by its REST API: a pull request's comment kept in place, the hash that was approved in
# it, and one issue for drift.
#
#   github.sh comment PULL FILE      FILE becomes the comment that begins with the same line; a new one where there is none
#   github.sh approved SHA           prints the hash in the comment of the pull request that SHA came from
#   github.sh drift-issue FILE       one open issue with FILE's text; without FILE, the open one is closed
#
# Needs curl and jq, and in the environment, as Actions sets them: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN.
set -euo pipefail

repository=$GITHUB_API_URL/repos/$GITHUB_REPOSITORY

# api METHOD URL [JSON]: the answer's body; the token stands in no argument list.
api() {
  local data=()
  if [ $# -ge 3 ]; then data=(--data-binary "@$3"); fi
  curl --silent --show-error --fail-with-body --max-time 30 --retry 2 --request "$1" --url "$2" \
    --header 'Accept: application/vnd.github+json' --header "@$headers" "${data[@]}"
}

folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
headers=$folder/headers
(umask 077 && printf 'Authorization: Bearer %s\n' "$GITHUB_TOKEN" >"$headers")

# comment_with PULL LINE: id and body of the first comment that begins with LINE.
comment_with() {
  local page=1 found count
  while :; do
    api GET "$repository/issues/$1/comments?per_page=100&page=$page" >"$folder/comments"
    found=$(jq -c --arg line "$2" 'map(select(.body | startswith($line))) | first // empty | {id, body}' "$folder/comments")
    if [ -n "$found" ]; then
      printf '%s\n' "$found"
      return
    fi
    count=$(jq length "$folder/comments")
    if [ "$count" -lt 100 ]; then return; fi
    page=$((page + 1))
  done
}

comment() {
  local line found id
  line=$(head -n 1 "$2")
  jq --null-input --rawfile body "$2" '{body: $body}' >"$folder/body"
  found=$(comment_with "$1" "$line")
  if [ -z "$found" ]; then
    api POST "$repository/issues/$1/comments" "$folder/body" >/dev/null
    return
  fi
  id=$(jq .id <<<"$found")
  # The same text again would only notify people.
  if [ "$(jq -r .body <<<"$found")" = "$(cat "$2")" ]; then return; fi
  api PATCH "$repository/issues/comments/$id" "$folder/body" >/dev/null
}

approved() {
  local pull body hash
  api GET "$repository/commits/$1/pulls" >"$folder/pulls"
  pull=$(jq -r 'map(select(.merged_at != null)) | first | .number // empty' "$folder/pulls")
  if [ -z "$pull" ]; then
    echo "commit $1 came from no merged pull request: nobody approved a plan" >&2
    return 1
  fi
  body=$(comment_with "$pull" '<!-- replform plan: ' | jq -r .body)
  hash=$(sed -nE 's/.*-expect-plan=([0-9a-f]{64}).*/\1/p' <<<"$body")
  if [ -z "$hash" ]; then
    # A plan without changes has no hash to approve.
    if grep -q '^### .*: no changes' <<<"$body"; then return; fi
    echo "pull request $pull has no comment with a plan that can be applied" >&2
    return 1
  fi
  printf '%s\n' "$hash"
}

drift_issue() {
  local number
  api GET "$repository/issues?state=open&labels=replform-drift&per_page=1" >"$folder/issues"
  number=$(jq -r 'first | .number // empty' "$folder/issues")
  if [ $# = 0 ]; then
    if [ -z "$number" ]; then return; fi
    echo '{"state": "closed", "state_reason": "completed"}' >"$folder/body"
    api PATCH "$repository/issues/$number" "$folder/body" >/dev/null
  elif [ -z "$number" ]; then
    jq --null-input --rawfile body "$1" '{title: "Databases differ from the configuration", labels: ["replform-drift"], body: $body}' >"$folder/body"
    api POST "$repository/issues" "$folder/body" >/dev/null
  else
    jq --null-input --rawfile body "$1" '{body: $body}' >"$folder/body"
    api PATCH "$repository/issues/$number" "$folder/body" >/dev/null
  fi
}

case ${1:-} in
  comment) comment "$2" "$3" ;;
  approved) approved "$2" ;;
  drift-issue) shift && drift_issue "$@" ;;
  *)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 1
    ;;
esac
