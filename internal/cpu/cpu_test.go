package cpu_test

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/support/backendtest"
	"github.com/loopitr/loopitr/internal/cpu"
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

func TestUpstreamSuite(t *testing.T) {
	for _, config := range []string{"threads=3"} {
		t.Run(config, func(t *testing.T) { backendtest.RunAll(t, open(t, config), nil) })
	}
}
