package cpu_test

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/nn"
	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/internal/cpu"
	"github.com/loopitr/loopitr/network"
)

// becomes is a graph and what is to be left of it. Results are right without any
// pass, so that only these tests notice when one is lost.
type becomes struct {
	inputs       [][]int // dimensions
	build        func(x []*Node) []*Node
	steps        []string
	instructions int // of tile programs, at most
}

func checkBecomes(t *testing.T, graphs map[string]becomes) {
	t.Helper()
	b := open(t, "threads=2")
	for name, want := range graphs {
		t.Run(name, func(t *testing.T) {
			steps, instructions := cpu.Steps(want.compile(b))
			if diff := cmp.Diff(want.steps, steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if instructions > want.instructions {
				t.Errorf("%d instructions, want at most %d", instructions, want.instructions)
			}
		})
	}
}

func (c becomes) compile(b compute.Backend) *cpu.Executable {
	g := NewGraph(b, "becomes")
	var x []*Node
	for i, dims := range c.inputs {
		x = append(x, Parameter(g, fmt.Sprint("x", i), shapes.Make(dtypes.Float32, dims...)))
	}
	g.Compile(c.build(x)...)
	return g.Executable().(*cpu.Executable)
}

func only(f func(x []*Node) *Node) func(x []*Node) []*Node {
	return func(x []*Node) []*Node { return []*Node{f(x)} }
}

// gradients are those of the sum of f's values, each times one of the last input's.
func gradients(f func(x []*Node) *Node) func(x []*Node) []*Node {
	return func(x []*Node) []*Node {
		last := len(x) - 1
		return Gradient(ReduceAllSum(Mul(f(x[:last]), x[last])), x[:last]...)
	}
}

func gradient(f func(x []*Node) *Node) func(x []*Node) []*Node {
	return func(x []*Node) []*Node { return gradients(f)(x)[:1] }
}

// Each is one pass over its rows, which writes the result and nothing between.
func TestRowsAreOneTileStep(t *testing.T) {
	softmax := func(x []*Node) *Node { return Softmax(x[0]) }
	norm := func(x []*Node) *Node { return nn.LayerNorm(x[0], []int{-1}, 1e-5, x[1], x[2], nil) }
	gelu := func(x []*Node) *Node { return activation.Gelu(x[0]) }
	rows, row, tiles := []int{3, 17}, []int{17}, []string{"tiles"}
	checkBecomes(t, map[string]becomes{
		// Greatest, difference, exponential, sum, quotient.
		"softmax": {[][]int{rows}, only(softmax), tiles, 5},
		// Greatest, difference, exponential, sum, logarithm, difference.
		"log softmax": {[][]int{rows}, only(func(x []*Node) *Node { return LogSoftmax(x[0]) }), tiles, 6},
		// Sum, mean, difference, square, sum, mean, epsilon, root, quotient, gain, offset.
		"layer norm": {[][]int{rows, row, row}, only(norm), tiles, 11},
		// One kernel each; the gradient's gives what is to be multiplied by x[1] too.
		"gelu":          {[][]int{rows}, only(gelu), tiles, 1},
		"gelu gradient": {[][]int{rows, rows}, gradients(gelu), tiles, 1},
		// The forward pass again and what the graph layer derives from it: as counted
		// when this was written. Fewer are welcome.
		"softmax gradient":    {[][]int{rows, rows}, gradients(softmax), tiles, 14},
		"layer norm gradient": {[][]int{rows, row, row, rows}, gradient(norm), tiles, 28},
		// The gradients of offset and gain are sums over rows, a pass each.
		"layer norm gradients": {[][]int{rows, row, row, rows}, gradients(norm), []string{"tiles", "tiles", "tiles"}, 32},
	})
}

// Products and attention read and write through strides and add biases themselves.
func TestTransposesAndBiasesAreNoSteps(t *testing.T) {
	left, right, product := []int{3, 17}, []int{17, 5}, func(x []*Node) *Node { return Dot(x[0], x[1]).Product() }
	heads, first := []int{2, 5, 3, 8}, []int{2, 1, 3, 8}
	checkBecomes(t, map[string]becomes{
		"a transposed operand": {[][]int{left, {5, 17}}, only(func(x []*Node) *Node {
			return product([]*Node{x[0], Transpose(x[1], 0, 1)})
		}), []string{"product"}, 0},
		"a transposed result": {[][]int{left, right}, only(func(x []*Node) *Node {
			return Transpose(product(x), 0, 1)
		}), []string{"product"}, 0},
		"a bias": {[][]int{left, right, {1, 5}}, only(func(x []*Node) *Node {
			return Add(product(x), x[2])
		}), []string{"product and bias"}, 0},
		"attention":              {[][]int{heads, heads, heads}, only(turnedAttention), []string{"attention"}, 0},
		"attention of one query": {[][]int{first, heads, heads}, only(turnedAttention), []string{"attention"}, 0},
		"attention gradients of one query": {[][]int{first, heads, heads, first}, gradients(turnedAttention),
			[]string{"attention", "tiles", "attention gradient"}, 1},
		// The tiles are the sum's gradient, times the last input.
		"attention gradients": {[][]int{heads, heads, heads, heads}, gradients(turnedAttention),
			[]string{"attention", "tiles", "attention gradient"}, 1},
	})
}

// turnedAttention is attention over [batch, tokens, heads, width], as networks ask
// for it: over transposed arrays.
func turnedAttention(x []*Node) *Node {
	turn := func(n *Node) *Node { return TransposeAllAxes(n, 0, 2, 1, 3) }
	q, k, v := turn(x[0]), turn(x[1]), turn(x[2])
	options := &compute.ScaledDotProductAttentionConfig{Scale: 1}
	out, _ := InternalFusedOpCaller(func() *Node {
		out, _ := BackendFusedScaledDotProductAttention(q, k, v, compute.AttentionAxesLayoutBHSD, options)
		return out
	}, func() *Node {
		return Einsum("bhqk,bhkd->bhqd", Softmax(Einsum("bhqd,bhkd->bhqk", q, k)), v)
	}, false)
	return turn(out)
}

func TestSharedValuesAreMadeAndReadOnce(t *testing.T) {
	small, large := []int{3, 17}, []int{64, 128} // below and above what a cache holds anyway
	product := func(x []*Node) *Node { return Dot(x[0], x[1]).Product() }
	both := func(x []*Node) []*Node { return []*Node{Exp(x[0]), Neg(x[0])} }
	checkBecomes(t, map[string]becomes{
		"equal products": {[][]int{small, {17, 5}}, only(func(x []*Node) *Node {
			return Sub(product(x), Exp(product(x)))
		}), []string{"product", "tiles"}, 2},
		"equal elements":     {[][]int{small}, only(func(x []*Node) *Node { return Add(Exp(x[0]), Exp(x[0])) }), []string{"tiles"}, 2},
		"readers of a large": {[][]int{large}, both, []string{"tiles"}, 2},
		"readers of a small": {[][]int{small}, both, []string{"tiles", "tiles"}, 2},
		"a repeated row":     {[][]int{small, {1, 17}, small}, repeatedRow, []string{"tiles", "tiles"}, 2},
	})
}

// repeatedRow is one row repeated for two sums that share nothing else.
func repeatedRow(x []*Node) []*Node {
	row := BroadcastToShape(x[1], x[0].Shape())
	return []*Node{Add(x[0], row), Add(x[2], row)}
}

// A cheap value that a later pass over its operands needs again is made again there:
// in memory are its sums, their roots and no value of its size.
func TestCheapValuesAreMadeAgain(t *testing.T) {
	const rows, columns = 64, 128
	c := becomes{inputs: [][]int{{rows, columns}, {1, columns}}, build: only(func(x []*Node) *Node {
		moved := Sub(x[0], x[1])
		return Add(x[0], Mul(moved, InsertAxes(Sqrt(ReduceSum(moved, 0)), 0)))
	})}
	if _, live := c.compile(open(t, "threads=2")).MemoryPlan(); live >= 4*rows*columns {
		t.Errorf("%d bytes alive, of which the sums need %d", live, 4*columns)
	}
}

// TestTrainingStepBecomesFewSteps counts a whole training step. Products and attention
// follow from the network. The bounds are the numbers of today, bytes rounded up: a
// release of GoMLX that derives other graphs may change them, and a change here that
// raises one has to win elsewhere.
func TestTrainingStepBecomesFewSteps(t *testing.T) {
	for name, c := range map[string]struct {
		network network.Config
		// Tile steps are two for each weight, its square and AdamW, and some of each layer.
		most stepCounts
	}{
		"nano":  {network.Nano(), stepCounts{tiles: 292, instructions: 2385, movements: 16, others: 53, live: 5.5e6}},
		"small": {network.Small(), stepCounts{tiles: 681, instructions: 5792, movements: 16, others: 61, live: 136e6}},
	} {
		t.Run(name, func(t *testing.T) {
			s := compileTrainStep(t, open(t, "threads=2"), network.LoopITR{Config: c.network}, 16, 16)
			got := countSteps(s.executable.(*cpu.Executable))
			if diff := cmp.Diff(productsOf(c.network), got.products); diff != "" {
				t.Errorf("products and attention (-want +got):\n%s", diff)
			}
			if m := c.most; got.tiles > m.tiles || got.instructions > m.instructions ||
				got.movements > m.movements || got.others > m.others || got.live > m.live {
				t.Errorf("%d nodes became %+v, want at most %+v", s.nodes, got, m)
			}
		})
	}
}

type stepCounts struct {
	products                               map[string]int // and attention, by kind
	tiles, instructions, movements, others int
	live                                   int // bytes
}

func countSteps(e *cpu.Executable) stepCounts {
	c := stepCounts{products: map[string]int{}}
	_, c.live = e.MemoryPlan()
	var kinds []string
	kinds, c.instructions = cpu.Steps(e)
	for _, k := range kinds {
		switch k {
		case "tiles":
			c.tiles++
		case "movement":
			c.movements++
		case "product", "product and bias", "attention", "attention gradient":
			c.products[k]++
		default:
			c.others++
		}
	}
	return c
}

// productsOf counts what a network cannot do without.
func productsOf(c network.Config) map[string]int {
	layers := c.Vision.Layers + c.Text.Layers + c.Cross.Layers
	looks := layers + c.Cross.Layers // a cross layer looks at the caption and at the picture
	// A look has four dense layers, the rest of its layer two; four are of patches, of
	// both towers' ends and of the match head.
	dense := 4*looks + 2*layers + 4
	// Each has two gradients, as the similarity has; pictures need none.
	products := 1 + 2*(dense+1) - 1
	return map[string]int{"attention": looks, "attention gradient": looks, "product and bias": dense, "product": products}
}
