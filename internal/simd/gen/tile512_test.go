package main

import (
	"fmt"
	"testing"
)

// GNU as 2.40: vdpbf16ps %zmm7,%zmm8,%zmm9 and so on, by objdump -d.
func TestDotPairsAreEncodedAsByGNU(t *testing.T) {
	for _, c := range []struct {
		src2, src1, dst byte
		want            string
	}{
		{0, 0, 0, "62 f2 7e 48 52 c0"},
		{1, 2, 3, "62 f2 6e 48 52 d9"},
		{7, 8, 9, "62 72 3e 48 52 cf"},
		{8, 7, 6, "62 d2 46 48 52 f0"},
		{15, 14, 13, "62 52 0e 48 52 ef"},
		{10, 5, 2, "62 d2 56 48 52 d2"},
		{15, 15, 15, "62 52 06 48 52 ff"},
		{24, 26, 23, "62 82 2e 40 52 f8"},
		{25, 26, 8, "62 12 2e 40 52 c1"},
		{31, 15, 16, "62 82 06 48 52 c7"},
		{16, 31, 0, "62 b2 06 40 52 c0"},
	} {
		if got := fmt.Sprintf("% x", encodeDotPairs(c.src2, c.src1, c.dst)); got != c.want {
			t.Errorf("vdpbf16ps %%zmm%d, %%zmm%d, %%zmm%d is %s, want %s", c.src2, c.src1, c.dst, got, c.want)
		}
	}
}
