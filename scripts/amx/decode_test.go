//go:build linux && amd64

package main

import "testing"

// GNU as 2.40's bytes, by objdump -d.
func TestInstructionsAreDecodedAsByGNU(t *testing.T) {
	general := [16]uint64{100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115}
	for _, c := range []struct {
		text string
		code []byte
		want instruction
	}{
		{"ldtilecfg (%rdx)", []byte{0xc4, 0xe2, 0x78, 0x49, 0x02}, instruction{kind: loadConfig, address: 102, size: 5}},
		{"tilerelease", []byte{0xc4, 0xe2, 0x78, 0x49, 0xc0}, instruction{kind: release, size: 5}},
		{"tilezero %tmm3", []byte{0xc4, 0xe2, 0x7b, 0x49, 0xd8}, instruction{kind: zero, tile: 3, size: 5}},
		{"tileloadd (%rbx,%r8,1),%tmm4", []byte{0xc4, 0xa2, 0x7b, 0x4b, 0x24, 0x03}, instruction{kind: moveIn, tile: 4, address: 103, stride: 108, size: 6}},
		{"tileloadd (%r12,%r8,1),%tmm5", []byte{0xc4, 0x82, 0x7b, 0x4b, 0x2c, 0x04}, instruction{kind: moveIn, tile: 5, address: 112, stride: 108, size: 6}},
		{"tilestored %tmm1,(%rdx,%rcx,1)", []byte{0xc4, 0xe2, 0x7a, 0x4b, 0x0c, 0x0a}, instruction{kind: moveOut, tile: 1, address: 102, stride: 101, size: 6}},
		{"tdpbf16ps %tmm7,%tmm5,%tmm3", []byte{0xc4, 0xe2, 0x42, 0x5c, 0xdd}, instruction{kind: product, tile: 3, left: 5, right: 7, size: 5}},
		{"tdpbf16ps %tmm6,%tmm4,%tmm0", []byte{0xc4, 0xe2, 0x4a, 0x5c, 0xc4}, instruction{kind: product, left: 4, right: 6, size: 5}},
	} {
		got, err := decode(append(c.code, 0x90)[:6], &general)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.text, got, err, c.want)
		}
	}
	for _, code := range [][]byte{{0x0f, 0x0b, 0, 0, 0, 0}, {0xc4, 0xe2, 0x79, 0x49, 0x02, 0}, {0xc4, 0xe2, 0x43, 0x5c, 0xdd, 0}, {0xc4, 0xe2, 0x7b, 0x4b, 0x24, 0x23}, {0xc4}} {
		if i, err := decode(code, &general); err == nil {
			t.Errorf("% x is %+v", code, i)
		}
	}
}
