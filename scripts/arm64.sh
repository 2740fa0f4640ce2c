#!/usr/bin/env bash
# Runs the tests of every package as an arm64 processor does, in qemu's user mode, on
# the engine's plain Go form. Needs Debian's qemu-user-static and binfmt_misc (some
# tests start themselves again); takes hours, so .ci/run only builds and vets.
#
#     scripts/arm64.sh [PACKAGE...]
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
  echo "arm64.sh: the kernel does not start arm64 programs: install qemu-user-static with binfmt-support" >&2
  exit 2
fi
export GOARCH=arm64 CGO_ENABLED=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
[ $# -gt 0 ] || set -- $(go list -f '{{if or .TestGoFiles .XTestGoFiles}}.{{slice .Dir (len .Module.Dir)}}{{end}}' ./...)
for package; do
  checks=()
  if go list -test -deps "$package" | grep -q '^pgregory.net/rapid$'; then checks=(-rapid.checks=5); fi
  start=$SECONDS
  if go test -short -timeout 100m "$package" "${checks[@]}" >"$folder/out" 2>&1; then
    echo "ok   $package $((SECONDS - start)) s"
  else
    echo "FAIL $package $((SECONDS - start)) s"
    cat "$folder/out"
    failed=1
  fi
done
exit $failed
