//go:build onnx

package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute"
	onnx "github.com/gomlx/compute-onnx"
	"github.com/gomlx/compute-onnx/support/onnxruntime"

	"github.com/loopitr/loopitr"
)

// openONNX opens ONNX Runtime: "onnx" on the processor, "onnx:cuda" on an
// NVIDIA card. The library must be there already: upstream would download it.
func openONNX(options string) (compute.Backend, error) {
	if err := findONNXRuntime(strings.Contains(options, "cuda")); err != nil {
		return nil, err
	}
	if options == "" {
		options = "cpu"
	}
	backend, err := onnx.New(options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, loopitr.ErrInvalid)
	}
	return backend, nil
}

func findONNXRuntime(cuda bool) error {
	path := os.Getenv("ONNXRUNTIME_SHARED_LIBRARY_PATH")
	if path != "" {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("ONNXRUNTIME_SHARED_LIBRARY_PATH: %w: %w", err, loopitr.ErrUnavailable)
		}
		return nil
	}
	folder, err := onnxruntime.GetInstallPath()
	if err != nil {
		return fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
	}
	name, err := onnxruntime.GetLibFilename()
	if err != nil {
		return fmt.Errorf("%w: %w", err, loopitr.ErrUnavailable)
	}
	wanted := []string{name}
	if cuda {
		wanted = append(wanted, "libonnxruntime_providers_cuda.so")
	}
	for _, name := range wanted {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("no library %q: put it there or set ONNXRUNTIME_SHARED_LIBRARY_PATH: %w",
				path, loopitr.ErrUnavailable)
		}
	}
	return nil
}
