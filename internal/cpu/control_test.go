package cpu_test

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/internal/cpu"
)

// control computes a function called twice, a branch and a loop, the last two with
// values of their parent: 4x; 4x*x or -x, as choose says; x and limit times x.
func control(t *testing.T, b compute.Backend, x []float32, limit int32, choose bool) [][]float32 {
	t.Helper()
	builder, m := b.Builder("control"), must(t)
	vector, count, truth := shapes.Make(dtypes.Float32, len(x)), shapes.Make(dtypes.Int32), shapes.Make(dtypes.Bool)
	returns := func(f compute.Function, err error, build func(f compute.Function) []compute.Value) compute.Function {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Return(build(f), nil); err != nil {
			t.Fatal(err)
		}
		return f
	}
	twice, err := builder.NewFunction("twice")
	returns(twice, err, func(f compute.Function) []compute.Value {
		x := m(f.Parameter("x", vector, nil))
		return []compute.Value{m(f.Add(x, x))}
	})
	closure := func(f compute.Function, build func(f compute.Function) []compute.Value) compute.Function {
		t.Helper()
		c, err := f.Closure()
		return returns(c, err, build)
	}
	many := func(v []compute.Value, err error) []compute.Value {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	returns(builder.Main(), nil, func(f compute.Function) []compute.Value {
		x, n, p := m(f.Parameter("x", vector, nil)), m(f.Parameter("n", count, nil)), m(f.Parameter("p", truth, nil))
		y := many(f.Call(twice, many(f.Call(twice, x))...))
		branch := many(f.If(p,
			closure(f, func(c compute.Function) []compute.Value { return []compute.Value{m(c.Mul(x, y[0]))} }),
			closure(f, func(c compute.Function) []compute.Value { return []compute.Value{m(c.Neg(x))} })))
		state := func(c compute.Function) (i, s compute.Value) {
			return m(c.Parameter("i", count, nil)), m(c.Parameter("s", vector, nil))
		}
		loop := many(f.While(
			closure(f, func(c compute.Function) []compute.Value {
				i, _ := state(c)
				return []compute.Value{m(c.LessThan(i, n))}
			}),
			closure(f, func(c compute.Function) []compute.Value {
				i, s := state(c)
				return []compute.Value{m(c.Add(i, m(c.Constant([]int32{1})))), m(c.Add(s, x))}
			}),
			m(f.Constant([]int32{0})), x))
		return []compute.Value{y[0], branch[0], loop[1]}
	})
	e, err := builder.Compile()
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Execute([]compute.Buffer{
		buffer(t, b, x, vector), buffer(t, b, []int32{limit}, count), buffer(t, b, []bool{choose}, truth),
	}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values [][]float32
	for _, o := range out {
		values = append(values, data(t, o))
	}
	return values
}

func TestControlAgreesWithGo(t *testing.T) {
	ours, theirs := open(t, "threads=2"), openGo(t)
	x := []float32{1, -2, 3}
	for _, limit := range []int32{0, 1, 5} {
		for _, choose := range []bool{false, true} {
			want := [][]float32{{4, -8, 12}, {-1, 2, -3}, {}}
			if choose {
				want[1] = []float32{4, 16, 36}
			}
			for _, v := range x {
				want[2] = append(want[2], v*float32(limit+1))
			}
			for name, b := range map[string]compute.Backend{"cpu": ours, "go": theirs} {
				if diff := cmp.Diff(want, control(t, b, x, limit, choose)); diff != "" {
					t.Errorf("%s, %s (-want +got):\n%s", name, fmt.Sprint(limit, " ", choose), diff)
				}
			}
		}
	}
}

// A loop that ends in an error gives back what it held, as one that ends well does.
func TestFailedLoopsGiveBlocksBack(t *testing.T) {
	const count, wide = 1000, 1 << 20
	b, m, vector := open(t, "threads=1"), must(t), shapes.Make(dtypes.Float32, count)
	e := compile(t, b, [][]int{{count}}, func(main compute.Function, v []compute.Value) []compute.Value {
		closure := func(build func(f compute.Function, s compute.Value) compute.Value) compute.Function {
			f, err := main.Closure()
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Return([]compute.Value{build(f, m(f.Parameter("s", vector, nil)))}, nil); err != nil {
				t.Fatal(err)
			}
			return f
		}
		out, err := main.While(closure(func(f compute.Function, s compute.Value) compute.Value {
			return m(f.LessThan(m(f.ReduceSum(s)), m(f.Constant([]float32{count}))))
		}), closure(func(f compute.Function, s compute.Value) compute.Value {
			// Two wide arrays are the most that anything here needs at once.
			numbers := m(f.Reverse(m(f.Iota(shapes.Make(dtypes.Float32, wide), 0)), 0))
			return m(f.Add(s, m(f.BroadcastInDim(m(f.ReduceMax(numbers)), vector, nil))))
		}), v[0])
		if err != nil {
			t.Fatal(err)
		}
		return out
	})
	execute(t, e, buffer(t, b, make([]float32, count), vector))
	in := buffer(t, b, make([]float32, count), vector)
	before := cpu.Pooled(b)
	cpu.Limit(b, 4*wide)
	if _, err := e.Execute([]compute.Buffer{in}, nil, 0); err == nil {
		t.Fatal("a body without memory ran")
	}
	if after := cpu.Pooled(b); after != before {
		t.Errorf("%d bytes are kept for reuse, %d before", after, before)
	}
}
