#!/usr/bin/env bash
# Runs the VNNI kernel of internal/simd in an emulator, without an operating system,
# and compares it with plain C. Needs Go, gcc, Python and bochs (Debian's, with
# bochsbios and vgabios).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here/../.." && GOARCH=amd64 CGO_ENABLED=0 go test -c -o "$work/simd.test" ./internal/simd
cd "$work"
python3 "$here/extract.py" simd.test kernel.bin
sectors=32
gcc -c "$here/boot.S" -DSECTORS=$sectors -o boot.o
ld -Ttext 0x7c00 --oformat binary -o boot.bin boot.o
gcc -c "$here/entry.S" -o entry.o
gcc -c -O1 -ffreestanding -mgeneral-regs-only -fno-pic -mno-red-zone -fno-stack-protector -fno-asynchronous-unwind-tables "$here/check.c" -o check.o
ld -e start -Ttext 0x10000 --oformat binary -o check.bin entry.o check.o
[ "$(stat -c %s check.bin)" -le $((sectors * 512)) ] || { echo "check.bin does not fit"; exit 1; }
cat boot.bin check.bin > disk
truncate -s 1474560 disk
cat > bochsrc <<'C'
cpu: model=tigerlake, count=1, ips=50000000
memory: guest=64, host=64
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
floppya: 1_44=disk, status=inserted
ata0: enabled=0
ata1: enabled=0
boot: floppy
port_e9_hack: enabled=1
display_library: rfb, options="timeout=0"
log: log
C
echo c > go
bochs -q -f bochsrc -rc go < /dev/null > out 2>&1 || true # turning it off counts as failure
grep -a -E '^(vnni|[0-9]+ cases)' out
grep -a -q '^vnni 1' out && grep -a -q ' cases, 0 differ' out
