package cpu_test

import (
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"pgregory.net/rapid"
)

type builder func(f compute.Function, v []compute.Value) (compute.Value, error)

func unaryBuilder(op func(compute.Function) func(compute.Value) (compute.Value, error)) builder {
	return func(f compute.Function, v []compute.Value) (compute.Value, error) { return op(f)(v[0]) }
}

func binaryBuilder(op func(compute.Function) func(a, b compute.Value) (compute.Value, error)) builder {
	return func(f compute.Function, v []compute.Value) (compute.Value, error) { return op(f)(v[0], v[1]) }
}

// tameUnary keep values of a few units finite and well conditioned.
var tameUnary = map[string]builder{
	"Neg":      unaryBuilder(func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Neg }),
	"Abs":      unaryBuilder(func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Abs }),
	"Tanh":     unaryBuilder(func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Tanh }),
	"Erf":      unaryBuilder(func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Erf }),
	"Logistic": unaryBuilder(func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Logistic }),
	"Sin":      unaryBuilder(func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Sin }),
	"Cos":      unaryBuilder(func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Cos }),
	"Identity": unaryBuilder(func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Identity }),
}

var tameBinary = map[string]builder{
	"Add": binaryBuilder(func(f compute.Function) func(a, b compute.Value) (compute.Value, error) { return f.Add }),
	"Sub": binaryBuilder(func(f compute.Function) func(a, b compute.Value) (compute.Value, error) { return f.Sub }),
	"Mul": binaryBuilder(func(f compute.Function) func(a, b compute.Value) (compute.Value, error) { return f.Mul }),
	"Max": binaryBuilder(func(f compute.Function) func(a, b compute.Value) (compute.Value, error) { return f.Max }),
	"Min": binaryBuilder(func(f compute.Function) func(a, b compute.Value) (compute.Value, error) { return f.Min }),
}

func keys[T any](m map[string]T) []string {
	var names []string
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// chain draws a graph of elementwise operations, broadcasts, reshapes, reductions
// and selections over float32 values: what tile programs are made of.
func chain(t *rapid.T, special bool) *plan {
	p := &plan{}
	dims := dimensions(t, rapid.IntRange(0, 4).Draw(t, "rank"))
	var shapesOf []shapes.Shape
	for range rapid.IntRange(1, 3).Draw(t, "inputs") {
		d := slices.Clone(dims)
		for i := range d {
			if rapid.IntRange(0, 3).Draw(t, "narrow") == 0 {
				d[i] = 1
			}
		}
		p.inputs = append(p.inputs, planInput{d, floats(t, size(d), special), dtypes.Float32})
		shapesOf = append(shapesOf, shapes.Make(dtypes.Float32, d...))
	}
	for range rapid.IntRange(1, 25).Draw(t, "steps") {
		if s, ok := drawStep(t, shapesOf); ok {
			p.steps = append(p.steps, s)
			shapesOf = append(shapesOf, s.shape)
		}
	}
	if len(p.steps) == 0 {
		p.steps = append(p.steps, planStep{"Neg", []int{0}, tameUnary["Neg"], shapesOf[0]})
	}
	p.hidden = map[int]bool{}
	for i := range len(p.steps) - 1 {
		if rapid.IntRange(0, 2).Draw(t, "hidden") > 0 {
			p.hidden[i] = true
		}
	}
	return p
}

func drawStep(t *rapid.T, all []shapes.Shape) (planStep, bool) {
	a := rapid.IntRange(0, len(all)-1).Draw(t, "operand")
	switch rapid.IntRange(0, 12).Draw(t, "kind") {
	case 0, 1:
		name := rapid.SampledFrom(keys(tameUnary)).Draw(t, "unary")
		return planStep{name, []int{a}, tameUnary[name], all[a]}, true
	case 2, 3, 4:
		return drawBinary(t, all, a)
	case 5, 6:
		return drawReduction(t, all[a], a)
	case 7:
		return drawBroadcast(t, all[a], a)
	case 8:
		return drawWhere(t, all, a)
	case 9, 10:
		return drawBorder(all[a], a, rapid.IntRange(0, 2).Draw(t, "border"))
	}
	return drawReshape(t, all[a], a)
}

// fit returns the shape of a and b broadcast, if they fit.
func fit(a, b shapes.Shape) (shapes.Shape, bool) {
	if a.IsScalar() {
		return b, true
	}
	if b.IsScalar() {
		return a, true
	}
	if a.Rank() != b.Rank() {
		return a, false
	}
	out := a.Clone()
	for i, d := range b.Dimensions {
		switch {
		case a.Dimensions[i] == 1:
			out.Dimensions[i] = d
		case d != 1 && d != a.Dimensions[i]:
			return a, false
		}
	}
	return out, true
}

func drawBinary(t *rapid.T, all []shapes.Shape, a int) (planStep, bool) {
	b := rapid.IntRange(0, len(all)-1).Draw(t, "other")
	out, ok := fit(all[a], all[b])
	// Upstream's engine does not broadcast empty arrays.
	if !ok || out.Size() > 40000 || out.Size() == 0 && !all[a].Equal(all[b]) {
		return planStep{}, false
	}
	name := rapid.SampledFrom(keys(tameBinary)).Draw(t, "binary")
	return planStep{name, []int{a, b}, tameBinary[name], out}, true
}

func drawReduction(t *rapid.T, s shapes.Shape, a int) (planStep, bool) {
	if s.Rank() == 0 || s.Size() == 0 {
		return planStep{}, false
	}
	var axes []int
	for i := range s.Rank() {
		if rapid.Bool().Draw(t, "reduced") {
			axes = append(axes, i)
		}
	}
	if len(axes) == 0 {
		axes = []int{s.Rank() - 1}
	}
	var out []int
	count := 1
	for i, d := range s.Dimensions {
		if !slices.Contains(axes, i) {
			out = append(out, d)
		} else {
			count *= d
		}
	}
	kind := rapid.SampledFrom([]string{"ReduceSum", "ReduceMax", "ReduceMin"}).Draw(t, "reduction")
	build := func(f compute.Function, v []compute.Value) (compute.Value, error) {
		switch kind {
		case "ReduceMax":
			return f.ReduceMax(v[0], axes...)
		case "ReduceMin":
			return f.ReduceMin(v[0], axes...)
		}
		// Scaled, so that values stay of one size.
		sum, err := f.ReduceSum(v[0], axes...)
		if err != nil {
			return nil, err
		}
		scale, err := f.Constant([]float32{1 / float32(count)})
		if err != nil {
			return nil, err
		}
		return f.Mul(sum, scale)
	}
	return planStep{kind, []int{a}, build, shapes.Make(s.DType, out...)}, true
}

func drawBroadcast(t *rapid.T, s shapes.Shape, a int) (planStep, bool) {
	if s.Rank() > 3 || s.Size() == 0 {
		return planStep{}, false
	}
	at := rapid.IntRange(0, s.Rank()).Draw(t, "new axis")
	d := max(1, dimension(t, "repeat"))
	out := slices.Insert(slices.Clone(s.Dimensions), at, d)
	if size(out) > 40000 {
		return planStep{}, false
	}
	var axes []int
	for i := range out {
		if i != at {
			axes = append(axes, i)
		}
	}
	shape := shapes.Make(s.DType, out...)
	return planStep{"BroadcastInDim", []int{a}, func(f compute.Function, v []compute.Value) (compute.Value, error) {
		return f.BroadcastInDim(v[0], shape, axes)
	}, shape}, true
}

func drawWhere(t *rapid.T, all []shapes.Shape, a int) (planStep, bool) {
	if all[a].Size() == 0 {
		return planStep{}, false // upstream's engine panics
	}
	var others []int
	for i, s := range all {
		if s.Equal(all[a]) {
			others = append(others, i)
		}
	}
	b := rapid.SampledFrom(others).Draw(t, "else")
	c := rapid.SampledFrom(others).Draw(t, "test")
	return planStep{"Where", []int{c, a, b}, func(f compute.Function, v []compute.Value) (compute.Value, error) {
		zero, err := f.Constant([]float32{0.25})
		if err != nil {
			return nil, err
		}
		test, err := f.GreaterThan(v[0], zero)
		if err != nil {
			return nil, err
		}
		return f.Where(test, v[1], v[2])
	}, all[a]}, true
}

// drawBorder is something that ends a tile program: what lies before and behind
// it must not end up in one.
func drawBorder(s shapes.Shape, a, kind int) (planStep, bool) {
	if s.Rank() == 0 || s.Size() == 0 {
		return planStep{}, false
	}
	last := s.Rank() - 1
	switch {
	case kind == 0:
		return planStep{"Reverse", []int{a}, func(f compute.Function, v []compute.Value) (compute.Value, error) {
			return f.Reverse(v[0], last)
		}, s}, true
	case kind == 1 && last > 0:
		perm := upTo(s.Rank())
		perm[last-1], perm[last] = last, last-1
		d := slices.Clone(s.Dimensions)
		d[last-1], d[last] = d[last], d[last-1]
		return planStep{"Transpose", []int{a}, func(f compute.Function, v []compute.Value) (compute.Value, error) {
			return f.Transpose(v[0], perm...)
		}, shapes.Make(s.DType, d...)}, true
	}
	return planStep{"OptimizationBarrier", []int{a}, func(f compute.Function, v []compute.Value) (compute.Value, error) {
		out, err := f.OptimizationBarrier(v[0])
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}, s}, true
}

func drawReshape(t *rapid.T, s shapes.Shape, a int) (planStep, bool) {
	dims := slices.Clone(s.Dimensions)
	switch {
	case len(dims) > 1 && rapid.Bool().Draw(t, "join"):
		i := rapid.IntRange(0, len(dims)-2).Draw(t, "joined")
		dims[i] *= dims[i+1]
		dims = slices.Delete(dims, i+1, i+2)
	case len(dims) < 4:
		dims = slices.Insert(dims, rapid.IntRange(0, len(dims)).Draw(t, "one"), 1)
	}
	return planStep{"Reshape", []int{a}, func(f compute.Function, v []compute.Value) (compute.Value, error) {
		return f.Reshape(v[0], dims...)
	}, shapes.Make(s.DType, dims...)}, true
}

func TestChainsAgreeWithGo(t *testing.T) { eachLevel(t, chainsAgreeWithGo) }

func chainsAgreeWithGo(t *testing.T) {
	ours, theirs := open(t, "threads=3"), openGo(t)
	for name, special := range map[string]bool{"finite": false, "special": true} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) { compareBackends(r, t, chain(r, special), ours, theirs) })
		})
	}
}
