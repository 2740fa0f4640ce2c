//go:build !xla

package engine

import "github.com/gomlx/compute"

// openXLA is nil: this binary was built without the tag xla.
var openXLA func(options string) (compute.Backend, error)
