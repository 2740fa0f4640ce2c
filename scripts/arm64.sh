#!/usr/bin/env bash
# Tests the engine's plain Go form as an arm64 processor runs it, in qemu's user
# mode (Debian's qemu-user). Takes an hour or more, so .ci/run only builds and vets.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOARCH=arm64 CGO_ENABLED=0
go test -short -timeout 30m -exec qemu-aarch64 ./internal/simd ./internal/engine
go test -short -timeout 90m -exec qemu-aarch64 ./internal/cpu ./network -rapid.checks=5
