package cpu_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
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
	inputs   []planInput
	steps    []planStep
	hidden   map[int]bool // steps whose values are not returned, so that they stay in registers
	rounding rounding     // of float32 results
	scale    float64      // least size of what a rounding error is compared with; 0 is rounding's own
	want     []any        // results by definition, where upstream's engine has none; nil elsewhere
	rows     int          // of a product's result
}

// rounding is how float32 results of two right engines differ.
type rounding int

const (
	ofGreatest rounding = iota // by 1e-5 of the greatest result: terms of other results may have cancelled
	ofEach                     // by 1e-5 of each result
	exact                      // not at all
)

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
	e := p.compile(t, b)
	defer e.Finalize()
	return execution(t, e, p.buffers(t, b), nil)
}

func (p *plan) compile(t testing.TB, b compute.Backend) compute.Executable {
	t.Helper()
	builder := b.Builder("plan")
	f := builder.Main()
	var values, results []compute.Value
	for i, in := range p.inputs {
		v, err := f.Parameter(fmt.Sprint("x", i), shapes.Make(in.dtype, in.dims...), nil)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
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
	for _, i := range p.unread() {
		v, err := f.Neg(values[i])
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, v)
	}
	if err := f.Return(results, nil); err != nil {
		t.Fatal(err)
	}
	e, err := builder.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// unread are the inputs that no result comes from: upstream's engine fails on them.
func (p *plan) unread() []int {
	read := make([]bool, len(p.inputs)+len(p.steps))
	for i, s := range slices.Backward(p.steps) {
		at := len(p.inputs) + i
		read[at] = read[at] || !p.hidden[i]
		for _, o := range s.operands {
			read[o] = read[o] || read[at]
		}
	}
	var inputs []int
	for i := range p.inputs {
		if !read[i] {
			inputs = append(inputs, i)
		}
	}
	return inputs
}

func (p *plan) buffers(t testing.TB, b compute.Backend) []compute.Buffer {
	t.Helper()
	var buffers []compute.Buffer
	for _, in := range p.inputs {
		buffers = append(buffers, buffer(t, b, in.flat, shapes.Make(in.dtype, in.dims...)))
	}
	return buffers
}

// execution returns the results' values.
func execution(t testing.TB, e compute.Executable, in []compute.Buffer, donate []bool) []any {
	t.Helper()
	out, err := e.Execute(in, donate, 0)
	if err != nil {
		t.Fatal(err)
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

// same compares one result of two backends: float32 as the plan says, other floats
// within a few of their units of each value, the rest by bits.
func (p *plan) same(t *rapid.T, what string, got, want any) {
	if g, w := reflect.ValueOf(got).Len(), reflect.ValueOf(want).Len(); g != w {
		t.Fatalf("%s has %d values, want %d", what, g, w)
	}
	switch w := want.(type) {
	case []float32:
		p.sameFloats(t, what, got.([]float32), w)
	case []float64:
		g := got.([]float64)
		for i := range w {
			if !closeTo(g[i], w[i], 1e-9*math.Abs(w[i])) {
				t.Fatalf("%s[%d] = %v, want %v", what, i, g[i], w[i])
			}
		}
	case []float16.Float16:
		sameHalves(t, what, got.([]float16.Float16), w)
	case []bfloat16.BFloat16:
		sameHalves(t, what, got.([]bfloat16.BFloat16), w)
	default:
		sameBits(t, what, got, want)
	}
}

// sameBits holds NaN equal to NaN: which one an operation gives is not defined.
func sameBits(t *rapid.T, what string, got, want any) {
	if w, ok := want.([]float32); ok { // most of what is compared, and reflect is slow
		for i, g := range got.([]float32) {
			if math.Float32bits(g) != math.Float32bits(w[i]) && (g == g || w[i] == w[i]) {
				t.Fatalf("%s[%d] = %v, want %v", what, i, g, w[i])
			}
		}
		return
	}
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range w.Len() {
		a, b := g.Index(i), w.Index(i)
		if !a.Equal(b) && !(a.CanFloat() && math.IsNaN(a.Float()) && math.IsNaN(b.Float())) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, a, b)
		}
	}
}

func sameHalves[T interface{ Float32() float32 }](t *rapid.T, what string, got, want []T) {
	for i := range want {
		g, w := float64(got[i].Float32()), float64(want[i].Float32())
		if !closeTo(g, w, 1e-2*math.Abs(w)) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, g, w)
		}
	}
}

func (p *plan) sameFloats(t *rapid.T, what string, got, want []float32) {
	if p.rounding == exact {
		sameBits(t, what, got, want)
		return
	}
	scale := p.scale
	if p.rounding == ofGreatest {
		scale = max(scale, 0.1)
		for _, v := range want {
			if a := math.Abs(float64(v)); !math.IsInf(a, 0) && !math.IsNaN(a) {
				scale = max(scale, a)
			}
		}
	}
	for i, w := range want {
		tolerance := 1e-5 * max(scale, math.Abs(float64(w)))
		if !closeTo(float64(got[i]), float64(w), tolerance) {
			t.Fatalf("%s[%d] = %v, want %v within %v (of %d)", what, i, got[i], w, tolerance, len(want))
		}
	}
}

func closeTo(a, b, tolerance float64) bool {
	switch {
	case math.IsNaN(b):
		return math.IsNaN(a)
	case math.IsInf(b, 0):
		return a == b
	}
	return math.Abs(a-b) <= tolerance
}

// compareBackends checks a plan on both backends, and that ours computes the same
// bits when it may have the inputs' memory.
func compareBackends(t *rapid.T, outer testing.TB, p *plan, ours, theirs compute.Backend) {
	e := p.compile(outer, ours)
	defer e.Finalize()
	in := p.buffers(outer, ours)
	got, want := execution(outer, e, in, nil), p.want
	if want == nil {
		want = p.run(outer, theirs)
	}
	donated := execution(outer, e, in, slices.Repeat([]bool{true}, len(in)))
	for i := range want {
		what := fmt.Sprintf("result %d (hidden %v) of%s\n", i, p.hidden, p.names())
		p.same(t, what, got[i], want[i])
		sameBits(t, "with donated inputs, "+what, donated[i], got[i])
	}
}
