package cpu_test

import (
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// An input that no output depends on must not disturb one that matters.
func TestUnusedParametersAreLeftAlone(t *testing.T) {
	backend := open(t, "")
	g := graph.NewGraph(backend, "unused")
	pair := shapes.Make(dtypes.Float32, 2)
	x := graph.Parameter(g, "x", pair)
	graph.Parameter(g, "unused", pair)
	y := graph.Parameter(g, "y", pair)
	if err := g.Compile(graph.Add(x, y)); err != nil {
		t.Fatal(err)
	}
	got := g.Run([]float32{1, 2}, []float32{100, 200}, []float32{10, 20})[0]
	if want := tensors.FromValue([]float32{11, 22}); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
