package main

import (
	"fmt"
	"testing"

	"github.com/mmcloughlin/avo/reg"
)

// GNU as 2.40's bytes, by objdump -d.
func TestTileInstructionsAreEncodedAsByGNU(t *testing.T) {
	for _, c := range []struct {
		instruction string
		got         []byte
		want        string
	}{
		{"ldtilecfg (%rax)", encodeLoadConfig(reg.RAX), "c4 e2 78 49 00"},
		{"ldtilecfg (%rdx)", encodeLoadConfig(reg.RDX), "c4 e2 78 49 02"},
		{"tilerelease", encodeRelease(), "c4 e2 78 49 c0"},
		{"tilezero %tmm3", encodeZero(3), "c4 e2 7b 49 d8"},
		{"tileloadd (%rbx,%r8,1),%tmm4", encodeTileMove(load, 4, reg.RBX, reg.R8), "c4 a2 7b 4b 24 03"},
		{"tileloadd (%r12,%r8,1),%tmm5", encodeTileMove(load, 5, reg.R12, reg.R8), "c4 82 7b 4b 2c 04"},
		{"tilestored %tmm2,(%rdx,%r8,1)", encodeTileMove(store, 2, reg.RDX, reg.R8), "c4 a2 7a 4b 14 02"},
		{"tilestored %tmm1,(%rdx,%rcx,1)", encodeTileMove(store, 1, reg.RDX, reg.RCX), "c4 e2 7a 4b 0c 0a"},
		{"tdpbf16ps %tmm7,%tmm5,%tmm3", encodeTileProduct(3, 5, 7), "c4 e2 42 5c dd"},
		{"tdpbf16ps %tmm6,%tmm4,%tmm0", encodeTileProduct(0, 4, 6), "c4 e2 4a 5c c4"},
		{"vcvtne2ps2bf16 %zmm0,%zmm1,%zmm2", encodeNarrowTwo(0, 1, 2), "62 f2 77 48 72 d0"},
		{"vcvtne2ps2bf16 %zmm7,%zmm6,%zmm5", encodeNarrowTwo(7, 6, 5), "62 f2 4f 48 72 ef"},
	} {
		if got := fmt.Sprintf("% x", c.got); got != c.want {
			t.Errorf("%s is %s, want %s", c.instruction, got, c.want)
		}
	}
}
