package network

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/nn"

	"github.com/loopitr/loopitr"
)

// Weights are a network's parameters as nodes of one graph, by name.
type Weights map[string]*Node

// LoopITR is the network over weights of one graph: its methods add to that
// graph. Without Noise and Rematerialize it is for inference.
type LoopITR struct {
	Config  Config
	Weights Weights
	// Noise makes dropout happen where Config.Dropout is above 0; nil: none.
	Noise *Noise
	// Rematerialize keeps only the blocks' inputs for the gradient and computes
	// the blocks again there: less memory for a third more work. The engine must
	// have optimisation barriers; onnx has none.
	Rematerialize bool
	// Fold lets captions look at pictures without keys and values of them where
	// that takes fewer multiplications (see attendFolded). The results are equal
	// but for rounding. For inference: gradients are not cheaper that way.
	Fold bool
}

// weight is one parameter; it panics, naming it, if it is missing or mis-shaped.
func (n LoopITR) weight(name string, shape ...int) *Node {
	w := n.Weights[name]
	if w == nil {
		panic(fmt.Errorf("network weight %q is missing: %w", name, loopitr.ErrInvalid))
	}
	if !slices.Equal(w.Shape().Dimensions, shape) {
		panic(fmt.Errorf("network weight %q has shape %v, want %v: %w", name, w.Shape().Dimensions, shape, loopitr.ErrInvalid))
	}
	return w
}

// dense is x W^T + b over the last axis.
func (n LoopITR) dense(name string, x *Node, outputs int) *Node {
	inputs := x.Shape().Dim(-1)
	return nn.Dense(x, n.weight(name+"/weight", outputs, inputs), n.weight(name+"/bias", outputs), compute.DenseLayoutOutputsInput)
}

// norm is layer normalisation over the last axis.
func (n LoopITR) norm(name string, x *Node, epsilon float64) *Node {
	width := x.Shape().Dim(-1)
	return nn.LayerNorm(x, []int{-1}, epsilon, n.weight(name+"/weight", width), n.weight(name+"/bias", width), nil)
}

// enter and leave mark the borders of a block for Rematerialize.
func (n LoopITR) enter(x *Node) *Node {
	if n.Rematerialize {
		return x.Checkpoint()
	}
	return x
}

func (n LoopITR) leave(x *Node) *Node {
	if n.Rematerialize {
		return x.StopCheckpoint()
	}
	return x
}

// want panics unless x is float32 of the given shape; -1 is any size.
func want(what string, x *Node, shape ...int) {
	if x.DType() != dtypes.Float32 {
		panic(fmt.Errorf("%s: got %s, want float32: %w", what, x.Shape(), loopitr.ErrInvalid))
	}
	wantShape(what, x, shape...)
}

func wantShape(what string, x *Node, shape ...int) {
	fits := x.Rank() == len(shape)
	for i := 0; fits && i < len(shape); i++ {
		fits = shape[i] < 0 || x.Shape().Dimensions[i] == shape[i]
	}
	if !fits {
		panic(fmt.Errorf("%s: got %s, want shape %v: %w", what, x.Shape(), shape, loopitr.ErrInvalid))
	}
}
