#!/usr/bin/env bash
# Runs the tests of every package as another machine does, in an emulator, and prints a
# line for each. Takes hours for arm64, so .ci/run only builds and vets.
#
#     scripts/foreign.sh arm64|windows [PACKAGE...]
#
# arm64: in qemu's user mode, on the engine's plain Go form. Needs Debian's
# qemu-user-static and binfmt_misc (some tests start themselves again).
# windows: on amd64, in Wine; WINE is its command where it is not "wine".
set -euo pipefail
cd "$(dirname "$0")/.."
system=${1:-}
run=()
case $system in
arm64)
  if [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
    echo "foreign.sh: the kernel does not start arm64 programs: install qemu-user-static with binfmt-support" >&2
    exit 2
  fi
  export GOARCH=arm64
  ;;
windows)
  wine=${WINE:-wine}
  if ! command -v "$wine" >/dev/null; then
    echo "foreign.sh: there is no \"$wine\": install Wine, or set WINE to its command" >&2
    exit 2
  fi
  export GOOS=windows WINEDEBUG=${WINEDEBUG:--all}
  run=(-exec "$wine")
  ;;
*)
  echo "usage: scripts/foreign.sh arm64|windows [PACKAGE...]" >&2
  exit 2
  ;;
esac
shift
export CGO_ENABLED=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
[ $# -gt 0 ] || set -- $(go list -f '{{if or .TestGoFiles .XTestGoFiles}}.{{slice .Dir (len .Module.Dir)}}{{end}}' ./...)
for package; do
  checks=()
  if [ "$system" = arm64 ] && go list -test -deps "$package" | grep -q '^pgregory.net/rapid$'; then checks=(-rapid.checks=5); fi
  start=$SECONDS
  if go test -short -timeout 100m "${run[@]}" "$package" "${checks[@]}" >"$folder/out" 2>&1; then
    echo "ok   $package $((SECONDS - start)) s"
  else
    echo "FAIL $package $((SECONDS - start)) s"
    cat "$folder/out"
    failed=1
  fi
done
exit $failed
