//go:build !onnx

package engine

import "github.com/gomlx/compute"

// openONNX is nil: this binary was built without the tag onnx.
var openONNX func(options string) (compute.Backend, error)
