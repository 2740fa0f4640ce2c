package engine

import (
	"fmt"

	"github.com/gomlx/compute"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/cpu"
)

// openCPU opens our own engine. Options are internal/cpu's: threads=2,
// products=bf16.
func openCPU(options string) (compute.Backend, error) {
	backend, err := cpu.New(options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, loopitr.ErrInvalid)
	}
	return backend, nil
}
