package simd_test

import (
	"testing"
	"time"

	"github.com/loopitr/loopitr/internal/simd"
)

func TestPeakIsPositiveAndFinite(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		if got := simd.Peak(time.Millisecond); !(got > 0 && got < 1e6) {
			t.Errorf("peak = %v GFLOPS", got)
		}
	})
}
