package main

import (
	"testing"

	"github.com/loopitr/loopitr/internal/simd"
)

func TestLevelIsTheOneOfTheKernels(t *testing.T) {
	if levelAVX512 != simd.AVX512 {
		t.Errorf("kernels widen at level %d, which is %v", levelAVX512, simd.Level(levelAVX512))
	}
}

func TestRegistersThatAVX2Lacks(t *testing.T) {
	const narrow = "TEXT ·addVectors(SB), NOSPLIT, $0-32\n\tVADDPS Y1, Y0, Y15\n\twide:\n"
	for _, c := range []struct{ file, text, want string }{
		{"elementwise", "\n" + narrow + "\nwide:\n\tVADDPS Z1, Z0, Z17\n", ""},
		{"elementwise", "\n" + narrow + "\tVADDPS X16, X0, X1\n\nwide:\n", "X16"},
		{"elementwise", "\n" + narrow + "\tKMOVW AX, K1\n\tRET\n", "K1"},
		{"columns", "\nTEXT ·columnSlopeAVX512(SB), NOSPLIT, $0-40\n\tVMOVUPS (CX), Z0\n", ""},
		{"tile_bf16", "\nTEXT ·tilePairRows1BF16(SB), NOSPLIT, $0-8\n\tVMOVUPS (CX), Z0\n", ""},
	} {
		if got := beyondAVX2(c.file, []byte(c.text)); got != c.want {
			t.Errorf("%s: found %q, want %q in %s", c.file, got, c.want, c.text)
		}
	}
}
