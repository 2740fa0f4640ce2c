package simd

import "golang.org/x/sys/cpu"

func detect() Level {
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasF16C {
		return AVX2
	}
	return Generic
}
