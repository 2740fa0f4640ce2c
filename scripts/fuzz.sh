#!/usr/bin/env bash
# Runs every fuzz target of the module, one after another, for the time given
# (default one minute each). New failing inputs land in testdata/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-1m}
grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do
  dir=$(dirname "$file")
  for target in $(grep -ohE '^func Fuzz[A-Za-z0-9_]*' "$file" | sed 's/^func //'); do
    echo "== $dir $target"
    go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x -parallel "${PARALLEL:-1}"
  done
done
