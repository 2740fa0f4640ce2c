package loss_test

import (
	"math"
	"os"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var near = cmpopts.EquateApprox(1e-6, 2e-6)

type build = func(in []*Node) []*Node

// run evaluates a graph on the default engine.
func run(t *testing.T, build build, inputs ...engine.Tensor) []engine.Tensor {
	t.Helper()
	return compile(t, build, inputs...)(inputs...)
}

// compile makes a function of tensors shaped like the inputs.
func compile(t *testing.T, build build, inputs ...engine.Tensor) func(inputs ...engine.Tensor) []engine.Tensor {
	t.Helper()
	e, err := engine.Open(os.Getenv("LOOPITR_TEST_ENGINE"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	var specs []engine.Spec
	for _, in := range inputs {
		spec := engine.FloatInput("in", in.Shape...)
		if in.Ints() != nil {
			spec = engine.IntInput("in", in.Shape...)
		}
		spec.Name += string(rune('a' + len(specs)))
		specs = append(specs, spec)
	}
	p, err := e.Compile(t.Name(), specs, build)
	if err != nil {
		t.Fatal(err)
	}
	return func(inputs ...engine.Tensor) []engine.Tensor {
		t.Helper()
		outputs, err := p.Run(t.Context(), inputs...)
		if err != nil {
			t.Fatal(err)
		}
		return outputs
	}
}

func matrix(rows ...[]float32) engine.Tensor {
	var values []float32
	for _, r := range rows {
		values = append(values, r...)
	}
	return engine.Floats(values, len(rows), len(rows[0]))
}

func ids(values ...int64) engine.Tensor { return engine.Ints(values, len(values)) }

func scalar(t engine.Tensor) float64 { return float64(t.Floats()[0]) }

// noise is Gumbel noise for b rows.
func noise(seed uint64, b int) engine.Tensor {
	values := make([]float32, b*b)
	loss.Gumbel(seed, 0, values)
	return engine.Floats(values, b, b)
}

// checkGradient compares the gradient of a scalar in its first input with
// central differences.
func checkGradient(t *testing.T, value build, inputs ...engine.Tensor) {
	t.Helper()
	f := compile(t, func(in []*Node) []*Node {
		v := value(in)[0]
		return []*Node{v, Gradient(v, in[0])[0]}
	}, inputs...)
	got := f(inputs...)[1].Floats()
	x := inputs[0].Floats()
	const h = 1e-2
	for i := range x {
		at := func(d float32) float64 {
			saved := x[i]
			x[i] += d
			defer func() { x[i] = saved }()
			return scalar(f(inputs...)[0])
		}
		// Five points, so that the error of h is below float32's.
		want := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
		if math.Abs(want-float64(got[i])) > 2e-4*(1+math.Abs(want)) {
			t.Errorf("gradient in %d is %v, by differences %v", i, got[i], want)
		}
	}
}

func finite(t *testing.T, what string, tensors ...engine.Tensor) {
	t.Helper()
	for _, x := range tensors {
		for i, v := range x.Floats() {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Errorf("%s: value %d is %v", what, i, v)
			}
		}
	}
}
