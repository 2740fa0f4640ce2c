//go:build xla

package engine

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"

	"github.com/loopitr/loopitr"
)

// openXLA opens an OpenXLA plugin that is already installed: "xla:cuda",
// "xla:tpu", "xla:cpu". Upstream would download one.
func openXLA(options string) (compute.Backend, error) {
	xla.EnableAutoInstall(false)
	backend, err := xla.New(options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
	}
	return backend, nil
}
