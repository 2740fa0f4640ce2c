package cpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/nn"
)

// passes are what the fuser makes one pass of, as functions of [3, width] inputs.
var passes = map[string]func(x []*Node) *Node{
	"gelu":     func(x []*Node) *Node { return Mul(activation.Gelu(x[0]), x[1]) },
	"softmax":  func(x []*Node) *Node { return Mul(Softmax(x[0]), x[1]) },
	"logistic": func(x []*Node) *Node { return Mul(Sigmoid(x[0]), Tanh(x[1])) },
	"log softmax": func(x []*Node) *Node {
		return Mul(LogSoftmax(MulScalar(x[0], 2)), Exp(x[1]))
	},
	"layer norm": func(x []*Node) *Node {
		row := func(n *Node) *Node { return Reshape(Slice(n, AxisRange(0, 1)), n.Shape().Dim(1)) }
		return Mul(nn.LayerNorm(x[0], []int{-1}, 1e-5, row(x[1]), row(x[2]), nil), x[2])
	},
	"normalised": func(x []*Node) *Node {
		return Mul(Div(x[0], Sqrt(AddScalar(ReduceAndKeep(Square(x[0]), ReduceSum, -1), 1e-3))), x[1])
	},
	"dense gelu": func(x []*Node) *Node {
		w := Einsum("ij,ik->jk", x[1], x[2])
		return activation.Gelu(nn.Dense(x[0], w, Reshape(Slice(x[2], AxisRange(0, 1)), w.Shape().Dim(1)), compute.DenseLayoutInputOutputs))
	},
}

// TestGradientsByFiniteDifferences compares gradients of fused float32 passes
// with differences of the same function in float64, which no pass fuses.
func TestGradientsByFiniteDifferences(t *testing.T) { eachLevel(t, gradientsByFiniteDifferences) }

func gradientsByFiniteDifferences(t *testing.T) {
	b := open(t, "threads=2")
	for name, pass := range passes {
		for _, width := range []int{1, 3, 17, 65} {
			t.Run(fmt.Sprint(name, width), func(t *testing.T) { checkGradient(t, b, pass, width) })
		}
	}
}

func checkGradient(t *testing.T, b compute.Backend, pass func(x []*Node) *Node, width int) {
	rng := rand.New(rand.NewPCG(7, uint64(width)))
	inputs := make([][]float64, 3)
	for i := range inputs {
		inputs[i] = make([]float64, 3*width)
		for j := range inputs[i] {
			inputs[i][j] = float64(float32(rng.NormFloat64()))
		}
	}
	gradients := evaluate(t, b, dtypes.Float32, inputs, func(x []*Node) []*Node {
		return Gradient(ReduceAllSum(pass(x)), x...)
	})
	value := func() float64 {
		return evaluate(t, b, dtypes.Float64, inputs, func(x []*Node) []*Node { return []*Node{ReduceAllSum(pass(x))} })[0][0]
	}
	const h = 1e-5
	for i := range inputs {
		for _, j := range []int{0, rng.IntN(3 * width), 3*width - 1} {
			kept := inputs[i][j]
			inputs[i][j] = kept + h
			above := value()
			inputs[i][j] = kept - h
			below := value()
			inputs[i][j] = kept
			want := (above - below) / (2 * h)
			if got := gradients[i][j]; math.Abs(got-want) > 2e-4*(1+math.Abs(want)) {
				t.Errorf("input %d[%d]: gradient %v, by differences %v", i, j, got, want)
			}
		}
	}
}

// evaluate runs a function of [3, width] inputs in one dtype.
func evaluate(t *testing.T, b compute.Backend, dtype dtypes.DType, inputs [][]float64, build func(x []*Node) []*Node) [][]float64 {
	t.Helper()
	g := NewGraph(b, "evaluate")
	var nodes []*Node
	var buffers []compute.Buffer
	for i, in := range inputs {
		shape := shapes.Make(dtype, 3, len(in)/3)
		nodes = append(nodes, Parameter(g, fmt.Sprint("x", i), shape))
		flat := any(in)
		if dtype == dtypes.Float32 {
			narrow := make([]float32, len(in))
			for j, v := range in {
				narrow[j] = float32(v)
			}
			flat = narrow
		}
		buffers = append(buffers, buffer(t, b, flat, shape))
	}
	g.Compile(build(nodes)...)
	out, err := g.Executable().Execute(buffers, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values [][]float64
	for _, o := range out {
		flat, err := o.Data()
		if err != nil {
			t.Fatal(err)
		}
		wide, ok := flat.([]float64)
		if !ok {
			for _, v := range flat.([]float32) {
				wide = append(wide, float64(v))
			}
		}
		values = append(values, wide)
	}
	return values
}
