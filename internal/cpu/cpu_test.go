package cpu_test

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/support/backendtest"

	"github.com/loopitr/loopitr/internal/cpu"
	"github.com/loopitr/loopitr/internal/simd"
)

// open returns a backend that is finalized when the test ends.
func open(t testing.TB, config string) compute.Backend {
	t.Helper()
	b, err := cpu.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Finalize)
	return b
}

// eachLevel runs a test at every level of instructions that the machine has.
func eachLevel(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	for _, level := range simd.Available() {
		t.Run(level.String(), func(t *testing.T) {
			t.Cleanup(simd.Use(level)) // after what the test opened is closed
			test(t)
		})
	}
}

func TestUpstreamSuite(t *testing.T) {
	eachLevel(t, func(t *testing.T) { backendtest.RunAll(t, open(t, "threads=3"), nil) })
}
