package cpu_test

import (
	"errors"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/google/go-cmp/cmp"
)

// Upstream's engine broadcasts no empty arrays, so this is by definition: nothing
// comes of nothing, in the right shape.
func TestEmptyArraysBroadcast(t *testing.T) {
	b, m := open(t, "threads=1"), must(t)
	for name, test := range map[string]struct {
		dims  [][]int
		build func(f compute.Function, v []compute.Value) compute.Value
		want  []int
	}{
		"none with one": {[][]int{{0, 3}, {1, 3}}, func(f compute.Function, v []compute.Value) compute.Value { return m(f.Add(v[0], v[1])) }, []int{0, 3}},
		"one with none": {[][]int{{1, 3}, {0, 3}}, func(f compute.Function, v []compute.Value) compute.Value { return m(f.Mul(v[0], v[1])) }, []int{0, 3}},
		"compared":      {[][]int{{2, 0}, {2, 1}}, func(f compute.Function, v []compute.Value) compute.Value { return m(f.LessThan(v[0], v[1])) }, []int{2, 0}},
		"no rows, a bias": {[][]int{{0, 4}, {4, 3}, {3}}, func(f compute.Function, v []compute.Value) compute.Value {
			return m(f.FusedDense(v[0], v[1], v[2], compute.DenseConfig{}))
		}, []int{0, 3}},
		"rows of none": {[][]int{{2, 0}}, func(f compute.Function, v []compute.Value) compute.Value {
			return m(f.FusedLayerNorm(v[0], []int{1}, 1e-5, nil, nil))
		}, []int{2, 0}},
	} {
		e := compile(t, b, test.dims, func(f compute.Function, v []compute.Value) []compute.Value { return []compute.Value{test.build(f, v)} })
		if diff := cmp.Diff(test.want, e.Outputs()[0].Dimensions); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		var in []compute.Buffer
		for _, d := range test.dims {
			in = append(in, buffer(t, b, make([]float32, size(d)), shapes.Make(dtypes.Float32, d...)))
		}
		execute(t, e, in...)
	}
}

func TestBroadcastsDoNotTurn(t *testing.T) {
	f := open(t, "threads=1").Builder("test").Main()
	x := must(t)(f.Parameter("x", shapes.Make(dtypes.Float32, 2, 3), nil))
	if _, err := f.BroadcastInDim(x, shapes.Make(dtypes.Float32, 3, 2), []int{1, 0}); err == nil || errors.Is(err, compute.ErrNotImplemented) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestNothingHasNoLeastElement(t *testing.T) {
	f := open(t, "threads=1").Builder("test").Main()
	x := must(t)(f.Parameter("x", shapes.Make(dtypes.Float32, 2, 0), nil))
	if _, err := f.ArgMinMax(x, -1, dtypes.Int32, true); err == nil {
		t.Error("the least of no elements was accepted")
	}
	must(t)(f.ArgMinMax(x, 0, dtypes.Int32, true))
}

// Two views of one array in one operation are read each its own way.
func TestEachRowWithEachRow(t *testing.T) {
	b, m := open(t, "threads=1"), must(t)
	e := compile(t, b, [][]int{{1, 2, 2}}, func(f compute.Function, v []compute.Value) []compute.Value {
		return []compute.Value{m(f.Add(v[0], m(f.BroadcastInDim(m(f.Reshape(v[0], 2, 2)), shapes.Make(dtypes.Float32, 2, 1, 2), []int{0, 2}))))}
	})
	out, err := e.Execute([]compute.Buffer{buffer(t, b, []float32{1, 2, 30, 40}, shapes.Make(dtypes.Float32, 1, 2, 2))}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float32{2, 4, 31, 42, 31, 42, 60, 80}, data(t, out[0])); diff != "" {
		t.Error(diff)
	}
}
