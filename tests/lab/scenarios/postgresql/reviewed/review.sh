#!/bin/bash
# A pull request's job: facts, no key, no agent, no network. Leaves the comment and the plan for programs, prints the hash.
set -euo pipefail
job() { unshare --net env -i PATH="$PATH" HOME=/nonexistent replform "$@"; }
job plan -observed facts.json -max-age 1h -format markdown -max-size 65536 >comment.md
job plan -observed facts.json -json >plan.json
test "$(head -n 1 comment.md)" = '<!-- replform plan: acme -->'
grep -q 'mermaid' comment.md
sed -nE 's/.*-expect-plan=([0-9a-f]{64}).*/\1/p' comment.md
