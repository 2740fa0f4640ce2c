package jpeg

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each assembly kernel against its specification, over all sizes around a vector
// and hostile numbers.

func needAVX2(t *testing.T) {
	if !hasAVX2 {
		t.Skip("no AVX2 here")
	}
}

func TestInverseEqualsItsSpecification(t *testing.T) {
	needAVX2(t)
	random := rand.New(rand.NewPCG(1, 2))
	const stride = 200
	for round := range 400 {
		n := 1 + random.IntN(9)
		coefficients, quant := make([]int16, 64*(n+1)), &[64]int16{}
		for i := range coefficients {
			switch limit := []int{4, 64, 1024, 1 << 15}[round%4]; {
			case random.IntN(1+round%7) == 0:
				coefficients[i] = int16(random.IntN(2*limit) - limit)
			}
		}
		for i := range quant {
			quant[i] = int16(random.IntN([]int{2, 30, 256, 1 << 16}[round/4%4]) + 1)
		}
		flat := make([]bool, n+1)
		for i := range flat {
			if flat[i] = random.IntN(3) == 0 || i == n; flat[i] {
				clear(coefficients[64*i+1 : 64*i+64])
			}
		}
		got, want := make([]uint8, 8*stride), make([]uint8, 8*stride)
		inverse(got, stride, coefficients, blocks{quant, flat})
		for i := range n {
			inverseBlock(want[8*i:], stride, (*[64]int16)(coefficients[64*i:]), quant)
		}
		for y := range 8 {
			if d := cmp.Diff(want[y*stride:][:8*n], got[y*stride:][:8*n]); d != "" {
				t.Fatalf("round %d, %d blocks, row %d (-want +got):\n%s", round, n, y, d)
			}
		}
	}
}

func noise(random *rand.Rand, n int) []uint8 {
	b := make([]uint8, n)
	for i := range b {
		b[i] = uint8(random.Uint32())
		if random.IntN(3) == 0 {
			b[i] = uint8(random.IntN(2) * 255)
		}
	}
	return b
}

func TestChromaEqualsItsSpecification(t *testing.T) {
	needAVX2(t)
	random := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 100; n++ {
		near, far := noise(random, n+2+edge)[:n+2], noise(random, n+2+edge)[:n+2]
		got, want := make([]uint8, 2*n+2*edge), make([]uint8, 2*n)
		doubleRow(got, near)
		doubleRowGeneric(want, near)
		if d := cmp.Diff(want, got[:2*n]); d != "" {
			t.Fatalf("%d samples across (-want +got):\n%s", n, d)
		}
		doubleRows(got, near, far)
		doubleRowsGeneric(want, near, far)
		if d := cmp.Diff(want, got[:2*n]); d != "" {
			t.Fatalf("%d samples across and down (-want +got):\n%s", n, d)
		}
	}
}

func TestColoursEqualTheirSpecification(t *testing.T) {
	needAVX2(t)
	var in [4][]uint8
	const side = 256
	for c := range 3 {
		in[c] = make([]uint8, side+edge)
	}
	got, want := make([]uint8, 3*side), make([]uint8, 3*side)
	for blue := range side {
		for red := range side {
			for x := range side {
				in[0][x], in[1][x], in[2][x] = uint8(x), uint8(blue), uint8(red)
			}
			n := side - red%40
			fromLuma(got[:3*n], &in)
			fromLumaGeneric(want[:3*n], &in)
			if string(got[:3*n]) != string(want[:3*n]) {
				t.Fatalf("cb %d cr %d: %v", blue, red, cmp.Diff(want[:3*n], got[:3*n]))
			}
		}
	}
}
