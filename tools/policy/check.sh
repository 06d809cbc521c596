#!/bin/sh
# All that can be said about the packs without running the conductor. Needs the pinned opa in $OPA or on the PATH.
#   tools/policy/check.sh [seed]
set -eu
cd "$(dirname "$0")/../.."
opa="${OPA:-opa}"
"$opa" version >/dev/null || { echo "opa cannot be run ($opa): set OPA to its path; nothing was checked" >&2; exit 1; }

scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT INT TERM
fixtures=libs/adapters/opa/fixtures
step() { printf '%s\n' "policy: $1"; }

step 'format'
"$opa" fmt --fail --list policy/packs "$fixtures/packs" tools/policy/fixtures
step 'types, with the allowed built-ins only'
"$opa" check --strict --capabilities policy/capabilities.json policy/packs
"$opa" check --strict --capabilities policy/capabilities.json "$fixtures/packs"
step 'what must be refused is refused'
for bad in tools/policy/fixtures/refused/*.rego; do
  # A file that is wrong in itself would prove nothing: without the restriction it must be right.
  "$opa" check "$bad"
  if "$opa" check --capabilities policy/capabilities.json "$bad" 2>"$scratch/refusal"; then
    echo "$bad passes the capabilities file" >&2
    exit 1
  fi
  grep -Eq 'undefined function|template string' "$scratch/refusal" || { cat "$scratch/refusal" >&2; exit 1; }
done
step 'tests, each line covered'
"$opa" test policy/packs
"$opa" test --coverage --threshold 100 policy/packs >"$scratch/coverage" || { cat "$scratch/coverage" >&2; exit 1; }
step 'the committed sets are what the sources compile to, twice'
for source in policy "$fixtures"; do
  for round in first second; do
    node tools/policy/build.mjs --source "$source" --out "$scratch/$round/$source" >"$scratch/built"
    node tools/policy/compare.mjs "$source/bundles" "$scratch/$round/$source"
  done
done
step 'compiled and interpreted agree'
node tools/policy/differential.mjs "$@"
step 'all checks passed'
