package simd

import "golang.org/x/sys/cpu"

// pairsAtHand reports whether the machine multiplies pairs of bfloat16.
var pairsAtHand = cpu.X86.HasAVX512BF16

// bytesAtHand reports whether it multiplies fours of bytes.
var bytesAtHand = cpu.X86.HasAVX512VNNI

func detect() Level {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasF16C:
		return Generic
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return AVX2
	}
	return AVX512
}
