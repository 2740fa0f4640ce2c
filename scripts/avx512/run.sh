#!/usr/bin/env bash
# Runs packages' own tests on an emulated processor with AVX-512, its VNNI and its
# BF16, at the level avx512, and then breaks, one after the other, the kernels of
# internal/simd that are for AVX-512 alone (functions of both forms, named ...Vectors, are
# left whole): a test must notice.
#
#	scripts/avx512/run.sh [package...]      default: ./internal/simd
#
# Bochs boots a Linux kernel whose first process is ./init. Needs Go, gzip, cpio,
# readelf (binutils) and Debian's bochs (3.0 or newer, as in Debian 13: older ones
# know no BF16), bochs-term, bochsbios, vgabios, isolinux, syslinux-common, xorriso,
# busybox-static and a kernel (linux-image-cloud-amd64). Minutes for internal/simd.
#
# Variables: KERNEL, a kernel's file (default: the newest of /boot); BUSYBOX; BOCHS,
# the emulator's command, and SHARE, the directory of its BIOS; MODEL, its processor;
# RUN, as go test's -run; CHECKS, of each rapid property (default 500, of which short
# tests do a fifth); BREAK=no, to break no kernel; LIMIT, seconds (default 7200).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bochs=${BOCHS:-bochs} share=${SHARE:-/usr/share/bochs} model=${MODEL:-sapphire_rapids} checks=${CHECKS:-500}
kernel=${KERNEL:-$(ls -v /boot/vmlinuz-* | tail -n 1)}
[ $# -gt 0 ] || set -- ./internal/simd
"$bochs" -help cpu 2>&1 | grep -x "$model" > /dev/null || { echo "$bochs has no processor $model: install Bochs 3.0 or newer"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/bin" "$work/iso"

cd "$here/../.."
for package; do
	package=${package#./}
	mkdir -p "$work/root/$package"
	GOARCH=amd64 CGO_ENABLED=0 go test -c -o "$work/root/$package/package.test" "./$package"
	# Their golden values; train reads network's.
	for data in "$package/testdata" network/testdata; do
		[ ! -d "$data" ] || { mkdir -p "$work/root/$data" && cp -r "$data/." "$work/root/$data"; }
	done
	rapid=
	[[ $(go list -f '{{.TestImports}} {{.XTestImports}}' "./$package") != *rapid* ]] || rapid=-rapid.checks=$checks
	echo "echo 'package $package'; run $package -test.short -test.run '${RUN:-.}' $rapid"
done > "$work/root/tests"
if [ "${BREAK:-yes}" != no ] && [ -e "$work/root/internal/simd/package.test" ]; then
	program=$work/root/internal/simd/package.test
	read -r address offset < <(readelf -SW "$program" | sed -n 's/.* \.text *PROGBITS *\([0-9a-f]*\) \([0-9a-f]*\) .*/\1 \2/p')
	go tool nm "$program" | sed -n 's/^ *\([0-9a-f]*\) T .*internal\/simd\.\([A-Za-z0-9]*\(AVX512\|BF16\|VNNI\)\)\.abi0$/\1 \2/p' |
		while read -r at name; do
			# A peak computes nothing that a test could miss.
			[ "$name" = peakAVX512 ] || echo "$name $((0x$at - 0x$address + 0x$offset))"
		done | sort -V > "$work/root/kernels"
	echo "break_each -rapid.checks=20 -test.run '^(TestProductsOfEveryHeightAgreeWithPlainGo|TestDotInt8IsExact|TestAttentionAgreesWithTheFormula)\$/avx512'" >> "$work/root/tests"
fi

cd "$work"
cp "${BUSYBOX:-/bin/busybox}" root/bin/busybox
ln -s busybox root/bin/sh
cp "$here/init" root/init
chmod +x root/init root/bin/busybox
(cd root && find . | cpio -o -H newc --quiet | gzip -1) > iso/initrd
cp "$kernel" iso/linux
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 iso
# Linux with Bochs 3.0: it has FSRM without ERMS, on which memmove hangs; AMX without
# XFD, whose state cannot be turned on; and no return from SMM with five page levels.
cat > iso/isolinux.cfg <<'C'
default loopitr
prompt 0
label loopitr
kernel linux
append initrd=initrd console=ttyS0 loglevel=2 mitigations=off nokaslr no5lvl clearcpuid=fsrm,amx_tile random.trust_cpu=on
C
xorriso -as mkisofs -quiet -o disc -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table iso 2> /dev/null
cat > bochsrc <<C
cpu: model=$model, count=1, ips=50000000
memory: guest=1024, host=1024
romimage: file=$share/BIOS-bochs-latest
vgaromimage: file=$share/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=disc, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=serial
display_library: rfb, options="timeout=0"
log: log
C
echo c > go
touch serial
tail -f serial &
trap 'kill $!; rm -rf "$work"' EXIT
timeout "${LIMIT:-7200}" "$bochs" -q -f bochsrc -rc go < /dev/null > out 2>&1 || true # turning it off counts as failure
sleep 1
grep -a -q '^the end' serial && ! grep -a -q -E 'FAIL|^exit [1-9]' serial
