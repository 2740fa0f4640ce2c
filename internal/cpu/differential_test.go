package cpu_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/compute/shapes"
	"pgregory.net/rapid"
)

// plan is a random graph as a list of choices, so that two backends can build
// the same one.
type plan struct {
	inputs []planInput
	steps  []planStep
	hidden map[int]bool // steps whose values are not returned, so that they stay in registers
	scale  float64      // of rounding errors, where sums cancel; 0 is 0.1
}

type planInput struct {
	dims  []int
	flat  any
	dtype dtypes.DType
}

// planStep applies build to earlier values.
type planStep struct {
	name     string
	operands []int
	build    func(f compute.Function, v []compute.Value) (compute.Value, error)
	shape    shapes.Shape
}

// run builds and executes a plan and returns the values of all steps.
func (p *plan) run(t testing.TB, b compute.Backend) []any {
	t.Helper()
	builder := b.Builder("plan")
	f := builder.Main()
	var values []compute.Value
	var buffers []compute.Buffer
	for i, in := range p.inputs {
		shape := shapes.Make(in.dtype, in.dims...)
		v, err := f.Parameter(fmt.Sprint("x", i), shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
		buffers = append(buffers, buffer(t, b, in.flat, shape))
	}
	var results []compute.Value
	for at, s := range p.steps {
		operands := make([]compute.Value, len(s.operands))
		for i, o := range s.operands {
			operands[i] = values[o]
		}
		v, err := s.build(f, operands)
		if err != nil {
			t.Fatalf("%s: %s: %v", b.Name(), s.name, err)
		}
		values = append(values, v)
		if !p.hidden[at] {
			results = append(results, v)
		}
	}
	if len(p.hidden) > 0 {
		// Upstream's engine fails on parameters that nothing reads.
		for i := range p.inputs {
			v, err := f.Neg(values[i])
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, v)
		}
	}
	if err := f.Return(results, nil); err != nil {
		t.Fatal(err)
	}
	e, err := builder.Compile()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Finalize()
	out, err := e.Execute(buffers, nil, 0)
	if err != nil {
		t.Fatalf("%s: %v", b.Name(), err)
	}
	flat := make([]any, len(out))
	for i, o := range out {
		if flat[i], err = o.Data(); err != nil {
			t.Fatal(err)
		}
	}
	return flat
}

// names describes a plan for failures.
func (p *plan) names() string {
	text := ""
	for i, in := range p.inputs {
		text += fmt.Sprintf("\n  v%d = input %s %v", i, in.dtype, in.dims)
	}
	for i, s := range p.steps {
		text += fmt.Sprintf("\n  v%d = %s %v -> %s", len(p.inputs)+i, s.name, s.operands, s.shape)
	}
	return text
}

// sizes are the odd ones that break kernels, and zero.
func dimension(t *rapid.T, label string) int {
	return rapid.SampledFrom([]int{1, 1, 2, 3, 5, 7, 8, 17, 17, 65, 197, 0}).Draw(t, label)
}

func dimensions(t *rapid.T, label string) []int {
	rank := rapid.IntRange(0, 4).Draw(t, label+" rank")
	dims := make([]int, rank)
	for i := range dims {
		dims[i] = dimension(t, label)
	}
	for size(dims) > 20000 {
		dims[0], dims[len(dims)-1] = 1, 17
		if size(dims) > 20000 {
			dims[1] = 3
		}
	}
	return dims
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// floats draws values of which a few are special.
func floats(t *rapid.T, n int, special bool) []float32 {
	seed := rapid.Uint64().Draw(t, "values")
	values := make([]float32, n)
	for i := range values {
		seed = seed*6364136223846793005 + 1442695040888963407
		values[i] = float32(int32(seed>>33))/float32(1<<29) - 2
		if special && seed>>60 == 0 {
			values[i] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0}[seed>>58&3]
		}
	}
	return values
}

// same compares results of two backends: bits for integers and booleans, 1e-5
// relative to the scale of the result for floats, a hundredth of it for halves.
func same(t *rapid.T, what string, got, want any, floor float64) {
	switch w := want.(type) {
	case []float32:
		sameFloats(t, what, got.([]float32), w, floor)
	case []float64:
		g := got.([]float64)
		for i := range w {
			if !closeTo(g[i], w[i], math.Abs(w[i])+1, 1e-9) {
				t.Fatalf("%s[%d] = %v, want %v", what, i, g[i], w[i])
			}
		}
	case []float16.Float16:
		sameHalves(t, what, got.([]float16.Float16), w)
	case []bfloat16.BFloat16:
		sameHalves(t, what, got.([]bfloat16.BFloat16), w)
	default:
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s = %v, want %v", what, got, want)
		}
	}
}

func sameHalves[T interface{ Float32() float32 }](t *rapid.T, what string, got, want []T) {
	for i := range want {
		g, w := float64(got[i].Float32()), float64(want[i].Float32())
		if !closeTo(g, w, math.Abs(w)+1, 1e-2) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, g, w)
		}
	}
}

func sameFloats(t *rapid.T, what string, got, want []float32, scale float64) {
	if len(got) != len(want) {
		t.Fatalf("%s has %d values, want %d", what, len(got), len(want))
	}
	for _, v := range want {
		if a := math.Abs(float64(v)); a > scale && !math.IsInf(a, 0) {
			scale = a
		}
	}
	for i := range want {
		if !closeTo(float64(got[i]), float64(want[i]), scale, 1e-5) {
			t.Fatalf("%s[%d] = %v, want %v (of %d, greatest %v)", what, i, got[i], want[i], len(want), scale)
		}
	}
}

func closeTo(a, b, scale, tolerance float64) bool {
	switch {
	case math.IsNaN(b):
		return math.IsNaN(a)
	case math.IsInf(b, 0):
		return a == b
	}
	return math.Abs(a-b) <= tolerance*scale
}

// compareBackends checks a plan on both backends.
func compareBackends(t *rapid.T, outer testing.TB, p *plan, ours, theirs compute.Backend) {
	got, want := p.run(outer, ours), p.run(outer, theirs)
	for i := range want {
		same(t, fmt.Sprintf("result %d (hidden %v) of%s\n", i, p.hidden, p.names()), got[i], want[i], max(0.1, p.scale))
	}
}
