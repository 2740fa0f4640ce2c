//go:build onnx

package engine_test

import (
	"errors"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/engine"
)

// A missing library is refused, where upstream would download one.
func TestONNXWithoutItsLibrary(t *testing.T) {
	t.Setenv("ONNXRUNTIME_SHARED_LIBRARY_PATH", t.TempDir()+"/none.so")
	if _, err := engine.Open("onnx"); !errors.Is(err, loopitr.ErrUnavailable) {
		t.Errorf("missing library: %v", err)
	}
	t.Setenv("ONNXRUNTIME_SHARED_LIBRARY_PATH", "")
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{"onnx", "onnx:cuda"} {
		if _, err := engine.Open(name); !errors.Is(err, loopitr.ErrUnavailable) {
			t.Errorf("%s without an installed library: %v", name, err)
		}
	}
}
