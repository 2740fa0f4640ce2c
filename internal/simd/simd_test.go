package simd_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/loopitr/loopitr/internal/simd"
)

// odd are lengths around every vector width and unrolling that kernels use.
var odd = []int{1, 3, 7, 8, 9, 15, 16, 17, 24, 31, 33, 47, 65, 197}

// eachLevel runs f at every level this machine has.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	for _, l := range simd.Available() {
		t.Run(l.String(), func(t *testing.T) {
			defer simd.Use(l)()
			f(t)
		})
	}
}

func normal(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(r.NormFloat64())
	}
	return values
}

const sentinel = -12345.5

// guarded returns n values with sentinels on both sides, and a check of them.
func guarded(t *testing.T, n int) (values []float32, check func()) {
	t.Helper()
	const margin = 16
	all := make([]float32, n+2*margin)
	for i := range all {
		all[i] = sentinel
	}
	return all[margin : margin+n : margin+n], func() {
		t.Helper()
		for i, v := range all {
			if (i < margin || i >= margin+n) && v != sentinel {
				t.Fatalf("value %d of %d was overwritten with %v", i-margin, n, v)
			}
		}
	}
}

// near reports whether got is within tolerance of want, absolutely; infinities
// and NaN must be the same.
func near(got float32, want, tolerance float64) bool {
	if math.IsNaN(want) {
		return got != got
	}
	if math.IsInf(want, 0) {
		return float64(got) == want
	}
	return math.Abs(float64(got)-want) <= tolerance
}

// fastest runs f until the benchmark ends and returns the least processor time
// of one run in nanoseconds.
func fastest(b *testing.B, f func()) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f()
	began := processorTime()
	f()
	inner := 1 + int(20*time.Microsecond/(processorTime()-began+1))
	least := math.Inf(1)
	for b.Loop() {
		began := processorTime()
		for range inner {
			f()
		}
		least = min(least, float64((processorTime()-began).Nanoseconds())/float64(inner))
	}
	return least
}
