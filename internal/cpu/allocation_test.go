package cpu_test

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/internal/cpu"
)

// round is nodes that make the next x[0] of x.
type round struct {
	inputs [][]int // dimensions
	next   func(x []*Node) *Node
}

// rounds are of all kinds of steps, and large enough that most are cut into chunks.
func rounds() map[string]round {
	return map[string]round{
		"tiles": {[][]int{{4, 32, 256}, {4, 1, 256}}, func(x []*Node) *Node {
			y := Softmax(Add(x[0], x[1])) // x[1] through strides
			y = Where(GreaterThan(y, x[0]), y, x[0])
			return Mul(Sub(y, ReduceAndKeep(y, ReduceSum, 0, 1)), ReduceAllSum(y))
		}},
		"middle sums": {[][]int{{8, 16, 64}}, func(x []*Node) *Node {
			return Add(x[0], ReduceAndKeep(x[0], ReduceSum, 1))
		}},
		"products": {[][]int{{128, 128}, {128, 128}, {1, 128}}, func(x []*Node) *Node {
			y := Reshape(Add(Dot(x[0], x[1]).Product(), x[2]), 4, 32, 128)
			small := Reshape(x[1], 4, 32, 128)
			return Reshape(Einsum("bik,bkj->bij", Einsum("bij,bkj->bik", y, small), small), 128, 128)
		}},
		"attention": {[][]int{{2, 65, 4, 16}, {2, 65, 4, 16}}, func(x []*Node) *Node {
			return Gradient(ReduceAllSum(turnedAttention([]*Node{x[0], x[1], x[1]})), x[0])[0]
		}},
		"movements": {[][]int{{128, 128}}, func(x []*Node) *Node {
			y := Reverse(Transpose(x[0], 0, 1), 1)
			y = Concatenate([]*Node{Slice(y, AxisRange(64)), Slice(y, AxisRange(0, 64))}, 0)
			return Slice(Pad(y, ScalarZero(y.Graph(), y.DType()), compute.PadAxis{Start: 1}), AxisRange(0, 128))
		}},
		"rows": {[][]int{{128, 64}, {128, 64}}, func(x []*Node) *Node {
			g := x[0].Graph()
			at := Sub(Const(g, int32(127)), Iota(g, shapes.Make(dtypes.Int32, 128, 1), 0))
			return ScatterSum(x[1], at, Gather(x[0], at), false, true)
		}},
		"integers": {[][]int{{4, 3}}, func(x []*Node) *Node {
			y := ConvertDType(x[0], dtypes.Int32)
			y = Add(y, ReduceAndKeep(y, ReduceSum, 0))
			at := Iota(y.Graph(), shapes.Make(dtypes.Int32, 4, 1), 0)
			return ConvertDType(ScatterSum(y, at, Gather(y, at), false, true), dtypes.Float32)
		}},
	}
}

// Twenty rounds of nodes allocate no more than one, whatever the nodes, and what the
// workers keep for the next execution does not keep the operands of the last.
func TestNodesAllocateNothing(t *testing.T) {
	for name, r := range rounds() {
		for _, config := range []string{"threads=1", "threads=2", "threads=2,products=bf16"} {
			t.Run(name+" "+config, func(t *testing.T) {
				b := open(t, config)
				if one, many := r.allocations(t, b, 1), r.allocations(t, b, 20); many > one+1 {
					t.Errorf("one round of nodes allocates %v times, twenty %v times", one, many)
				}
				if cpu.HoldsOperands(b) {
					t.Error("what the last execution read is still held")
				}
			})
		}
	}
}

// allocations counts those of an execution of so many rounds.
func (r round) allocations(t *testing.T, b compute.Backend, rounds int) float64 {
	t.Helper()
	var in []compute.Buffer
	for _, dims := range r.inputs {
		in = append(in, buffer(t, b, make([]float32, size(dims)), shapes.Make(dtypes.Float32, dims...)))
	}
	e := becomes{inputs: r.inputs, build: only(func(x []*Node) *Node {
		for range rounds {
			x = append([]*Node{r.next(x)}, x[1:]...)
		}
		return x[0]
	})}.compile(b)
	return testing.AllocsPerRun(3, func() {
		out, err := e.Execute(in, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := out[0].Finalize(); err != nil {
			t.Fatal(err)
		}
	})
}
