package simd

import "golang.org/x/sys/cpu"

// bytesAtHand reports whether the machine multiplies fours of bytes.
var bytesAtHand = cpu.X86.HasAVX512VNNI

func detect() features {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasF16C:
		return features{best: Generic}
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return features{best: AVX2}
	}
	if x.HasAVX512BF16 && x.HasAMXTile && x.HasAMXBF16 && tileRegisters() {
		return features{best: AMX, pairs: true}
	}
	return features{best: AVX512, pairs: x.HasAVX512BF16}
}
