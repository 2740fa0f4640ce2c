package network

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
)

// Noise is a stream of random numbers inside a graph. It moves on with each use,
// so one Noise belongs to the building of one graph.
type Noise struct{ state *Node }

// NewNoise starts the stream that the key [3], int64 and not negative, names.
// The host makes the key from counters, so that a resumed run drops the same.
// Which numbers a key gives differs between engines.
func NewNoise(key *Node) *Noise {
	wantShape("dropout key", key, 3)
	if key.DType() != dtypes.Int64 {
		panic(fmt.Errorf("dropout key: got %s, want int64: %w", key.Shape(), loopitr.ErrInvalid))
	}
	// Engines keep three numbers as their state, but not all of them read the
	// last, so it is folded into the second.
	at := func(i int) *Node { return Slice(key, AxisRange(i, i+1)) }
	folded := Add(MulScalar(at(1), 1_000_003), at(2))
	return &Noise{ConvertDType(Concatenate([]*Node{at(0), folded, at(2)}, 0), dtypes.Uint64)}
}

// dropout zeroes a share Config.Dropout of x and scales the rest up. It sits on
// the embeddings and at the end of each branch before its residual, as in BERT;
// attention weights are not dropped (ours: it would undo fused attention).
func (n LoopITR) dropout(x *Node) *Node {
	rate := n.Config.Dropout
	if n.Noise == nil || rate == 0 {
		return x
	}
	var uniform *Node
	n.Noise.state, uniform = RandomUniform(n.Noise.state, x.Shape())
	keep := GreaterOrEqual(uniform, ConstAs(uniform, rate))
	return Where(keep, DivScalar(x, 1-rate), ZerosLike(x))
}
