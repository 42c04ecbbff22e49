#!/bin/bash
# One open issue while something differs from the configuration, closed when nothing does any more. A host that could not
# be looked at (exit 3) fails the job: nothing is known then, so nothing is closed.
set -euo pipefail
cd "$(dirname "$0")/.."

code=0
replform drift -observed facts.json -format markdown -o drift.md || code=$?
case $code in
  0) ci/gitlab.sh drift-issue ;;
  2) ci/gitlab.sh drift-issue drift.md ;;
  *) exit "$code" ;;
esac
