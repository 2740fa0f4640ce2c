#!/usr/bin/env bash
# Runs packages' own tests at the level amx on a processor that has AVX512-BF16 but no
# AMX, whose instructions amx emulates. Slow: a minute or more for internal/simd.
#
#	scripts/amx/run.sh [package...]      default: ./internal/simd
#
# Variables: RUN, as go test's -run (default: everything); CHECKS, of each rapid property
# (default 20). Needs Linux, and leave to trace.
set -euo pipefail
cd "$(dirname "$0")/../.."
grep -qw avx512_bf16 /proc/cpuinfo || { echo "this processor has no AVX512-BF16" >&2; exit 2; }
[ $# -gt 0 ] || set -- ./internal/simd
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/amx" ./scripts/amx

# Detection as if the processor had it.
level=internal/simd/level_amd64.go
sed 's/x\.HasAVX512BF16 && x\.HasAMXTile && x\.HasAMXBF16 && tileRegisters()/x.HasAVX512BF16/' $level > "$work/level_amd64.go"
! cmp -s $level "$work/level_amd64.go" || { echo "run.sh: $level detects AMX in other words now" >&2; exit 2; }
sed -i 's/^func detect/var _ = tileRegisters\n\nfunc detect/' "$work/level_amd64.go"
echo "{\"Replace\": {\"$PWD/$level\": \"$work/level_amd64.go\"}}" > "$work/overlay.json"

for package; do
	go test -c -overlay "$work/overlay.json" -o "$work/package.test" "$package"
	rapid=
	[[ $(go list -f '{{.TestImports}} {{.XTestImports}}' "$package") != *rapid* ]] || rapid=-rapid.checks=${CHECKS:-20}
	echo "package $package"
	(cd "$package" && LOOPITR_SIMD=amx "$work/amx" "$work/package.test" -test.short -test.v -test.run "${RUN:-.}" $rapid > "$work/log") ||
		{ grep -E '^(panic|FAIL)|--- FAIL' "$work/log" || true; tail -n 40 "$work/log"; exit 1; }
	echo "$(grep -c -e '--- PASS' "$work/log") tests passed, $(grep -c -e '--- PASS.*/amx' "$work/log") of them at amx by name"
done
