#!/usr/bin/env bash
# Runs every fuzz target of the module, or those of which "DIR NAME" matches the second
# argument, for the time given (default one minute each), JOBS of them side by side
# (default 1) with one worker each. Inputs that fail land in testdata/fuzz, and so do, for
# a target that has KEEP inputs there or fewer (default 8), the smallest of those that
# reached new code.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-1m}
export time keep=${KEEP:-8}
fuzz() {
  local dir=$1 target=$2 log
  log=$(go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x -parallel 1 2>&1) || {
    # Go sometimes ends a run that found nothing with an error, when its time is over.
    if grep -q 'Failing input\|panic:' <<< "$log" || ! grep -q '^ *context deadline exceeded' <<< "$log"; then
      echo "$log"; echo "FAIL $dir $target"; return 1
    fi
  }
  echo "$dir $target: $(grep -o 'execs: [0-9]*' <<< "$log" | tail -1), $(grep -o 'new interesting: [0-9]* (total: [0-9]*)' <<< "$log" | tail -1)"
  local kept="$dir/testdata/fuzz/$target" found
  found="$(go env GOCACHE)/fuzz/$(go list "$dir")/$target"
  mkdir -p "$kept"
  [ "$(find "$kept" -type f | wc -l)" -le "$keep" ] && [ -d "$found" ] || return 0
  find "$found" -type f -size -4k -printf '%s %p\n' | sort -n | head -40 | cut -d' ' -f2- | xargs -r cp -n -t "$kept"
}
export -f fuzz
grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do
  grep -ohE '^func Fuzz[A-Za-z0-9_]*' "$file" | sed "s|^func |$(dirname "$file") |"
done | grep -E "${2:-.}" | xargs -P "${JOBS:-1}" -L 1 bash -c 'set -euo pipefail; fuzz "$0" "$1"'
