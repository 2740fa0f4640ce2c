package cpu_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"pgregory.net/rapid"
)

// one is a plan of a single operation.
func one(name string, inputs []planInput, build builder) *plan {
	operands := make([]int, len(inputs))
	for i := range operands {
		operands[i] = i
	}
	return &plan{inputs: inputs, steps: []planStep{{name: name, operands: operands, build: build}}}
}

// moves draws operations that only move elements.
func moves(t *rapid.T) *plan {
	p := move(t)
	p.rounding = exact
	return p
}

func move(t *rapid.T) *plan {
	dims := dimensions(t, rapid.IntRange(1, 4).Draw(t, "rank"))
	in := []planInput{perhapsSpecial(t, dims)}
	axis := rapid.IntRange(0, len(dims)-1).Draw(t, "axis")
	switch rapid.IntRange(0, 4).Draw(t, "move") {
	case 0:
		perm := rapid.Permutation(upTo(len(dims))).Draw(t, "perm")
		return one(fmt.Sprint("Transpose", perm), in, func(f compute.Function, v []compute.Value) (compute.Value, error) {
			return f.Transpose(v[0], perm...)
		})
	case 1:
		return one("Reverse", in, func(f compute.Function, v []compute.Value) (compute.Value, error) { return f.Reverse(v[0], axis) })
	case 2:
		var starts, limits, strides []int
		for _, d := range dims {
			s := rapid.IntRange(0, max(0, d-1)).Draw(t, "start")
			starts, limits = append(starts, s), append(limits, rapid.IntRange(s, d).Draw(t, "limit"))
			strides = append(strides, rapid.IntRange(1, 3).Draw(t, "stride"))
		}
		return one(fmt.Sprint("Slice", starts, limits, strides), in, func(f compute.Function, v []compute.Value) (compute.Value, error) {
			return f.Slice(v[0], starts, limits, strides)
		})
	case 3:
		var pads []compute.PadAxis
		most := 2
		if bulk(dims) > 2000 {
			most = 0 // else results have millions of elements
		}
		for range dims {
			pads = append(pads, compute.PadAxis{
				Start: rapid.IntRange(0, 3).Draw(t, "before"), End: rapid.IntRange(0, 3).Draw(t, "after"),
				Interior: rapid.IntRange(0, most).Draw(t, "between")})
		}
		in = append(in, planInput{nil, []float32{7}, dtypes.Float32})
		return one(fmt.Sprint("Pad", pads), in, func(f compute.Function, v []compute.Value) (compute.Value, error) {
			return f.Pad(v[0], v[1], pads...)
		})
	}
	other := slices.Clone(dims)
	if other[axis] = dimension(t, "other"); bulk(other) > 20000 {
		other[axis] = 3
	}
	in = append(in, filled(t, other))
	return one("Concatenate", in, func(f compute.Function, v []compute.Value) (compute.Value, error) {
		return f.Concatenate(axis, v[0], v[1], v[0])
	})
}

// products draws DotGeneral with axes in any order.
func products(t *rapid.T) *plan {
	sizes := func(label string, most int) []int {
		d := make([]int, rapid.IntRange(0, most).Draw(t, label))
		for i := range d {
			d[i] = dimension(t, label)
		}
		return d
	}
	batch, left, right, depth := sizes("batch", 2), sizes("left", 2), sizes("right", 2), sizes("depth", 2)
	for bulk(batch)*bulk(left)*bulk(right)*bulk(depth) > 400000 {
		batch, left = nil, left[:min(1, len(left))]
		if len(right) > 1 {
			right = right[:1]
		} else if len(depth) > 1 {
			depth = depth[:1]
		} else {
			left = []int{7}
		}
	}
	lhs, lb, lc := arranged(t, batch, left, depth)
	rhs, rb, rc := arranged(t, batch, right, depth)
	build := func(f compute.Function, v []compute.Value) (compute.Value, error) {
		return f.DotGeneral(v[0], lc, lb, v[1], rc, rb, compute.DotGeneralConfig{})
	}
	p := one(fmt.Sprintf("DotGeneral %v %v, %v %v", lc, lb, rc, rb), []planInput{perhapsSpecial(t, lhs), perhapsSpecial(t, rhs)}, build)
	p.rounding, p.scale, p.rows = ofEach, 2*math.Sqrt(float64(size(depth))), size(left)
	if size(lhs) == 0 || size(rhs) == 0 { // upstream's engine panics
		p.want = []any{make([]float32, size(batch)*size(left)*size(right))}
	}
	return p
}

// arranged shuffles an operand's axes and says where batch and depth went.
func arranged(t *rapid.T, batch, outer, depth []int) (dims, batchAxes, depthAxes []int) {
	all := slices.Concat(batch, outer, depth)
	perm := rapid.Permutation(upTo(len(all))).Draw(t, "arrangement")
	dims = make([]int, len(all))
	place := make([]int, len(all))
	for to, from := range perm {
		dims[to], place[from] = all[from], to
	}
	for i := range batch {
		batchAxes = append(batchAxes, place[i])
	}
	for i := range depth {
		depthAxes = append(depthAxes, place[len(batch)+len(outer)+i])
	}
	return dims, batchAxes, depthAxes
}

// integers draws arithmetic, comparison, conversion and reduction of other dtypes.
func integers(t *rapid.T) *plan {
	dtype := rapid.SampledFrom([]dtypes.DType{
		dtypes.Int8, dtypes.Int16, dtypes.Int32, dtypes.Int64, dtypes.Uint8, dtypes.Uint16, dtypes.Uint32, dtypes.Uint64,
		dtypes.Float16, dtypes.BFloat16, dtypes.Float64,
	}).Draw(t, "dtype")
	dims := dimensions(t, rapid.IntRange(1, 3).Draw(t, "rank"))
	narrow := narrowed(dims, 0)
	in := []planInput{{dims, scalarsOf(t, dtype, size(dims)), dtype}, {narrow, scalarsOf(t, dtype, size(narrow)), dtype}}
	axis := rapid.IntRange(0, len(dims)-1).Draw(t, "axis")
	to := rapid.SampledFrom([]dtypes.DType{dtypes.Int32, dtypes.Int64, dtypes.Float32, dtypes.Float64, dtypes.Bool}).Draw(t, "to")
	bits := func(f compute.Function, v []compute.Value) (compute.Value, error) { return f.BitwiseXor(v[0], v[1]) }
	if dtype.IsFloat() {
		bits = func(f compute.Function, v []compute.Value) (compute.Value, error) { return f.Tanh(v[0]) }
	}
	all := []builder{
		tameBinary["Add"], tameBinary["Sub"], tameBinary["Mul"], tameBinary["Max"], tameBinary["Min"], bits,
		func(f compute.Function, v []compute.Value) (compute.Value, error) { return f.LessThan(v[0], v[1]) },
		func(f compute.Function, v []compute.Value) (compute.Value, error) { return f.Equal(v[0], v[1]) },
		func(f compute.Function, v []compute.Value) (compute.Value, error) { return f.ReduceSum(v[0], axis) },
		func(f compute.Function, v []compute.Value) (compute.Value, error) { return f.ReduceMax(v[0], axis) },
		func(f compute.Function, v []compute.Value) (compute.Value, error) {
			return f.ArgMinMax(v[0], axis, dtypes.Int32, true)
		},
		func(f compute.Function, v []compute.Value) (compute.Value, error) { return f.ConvertDType(v[0], to) },
		func(f compute.Function, v []compute.Value) (compute.Value, error) {
			count, err := f.Iota(shapes.Make(dtype, dims...), axis)
			if err != nil {
				return nil, err
			}
			return f.Add(count, v[0])
		},
	}
	kind := rapid.IntRange(0, len(all)-1).Draw(t, "operation")
	if kind == 10 && dims[axis] == 0 {
		kind = 9 // nothing has no least element
	}
	if kind > 7 || kind == 5 && dtype.IsFloat() {
		in = in[:1] // upstream's engine fails on parameters that nothing reads
	}
	return one(fmt.Sprintf("operation %d of %s", kind, dtype), in, all[kind])
}

func TestKindsAgreeWithGo(t *testing.T) { eachLevel(t, kindsAgreeWithGo) }

func kindsAgreeWithGo(t *testing.T) {
	ours, theirs := open(t, "threads=3"), openGo(t)
	for name, draw := range map[string]func(*rapid.T) *plan{
		"moves": moves, "products": products, "rows": rows, "windows": windows, "integers": integers,
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				for range 5 { // -short checks 20 times only, and these are quick
					compareBackends(r, t, draw(r), ours, theirs)
				}
			})
		})
	}
}

// TestRandomBitsAgreeWithGo: the same state gives the same bits and next state.
func TestRandomBitsAgreeWithGo(t *testing.T) {
	for _, dims := range [][]int{{1}, {3}, {7, 5}, {64}} {
		for _, dtype := range []dtypes.DType{dtypes.Uint32, dtypes.Uint64, dtypes.Uint8} {
			p := &plan{inputs: []planInput{{[]int{3}, []uint64{11, 22, 33}, dtypes.Uint64}}}
			for i := range 2 {
				p.steps = append(p.steps, planStep{name: "RNGBitGenerator", operands: []int{0},
					build: func(f compute.Function, v []compute.Value) (compute.Value, error) {
						state, values, err := f.RNGBitGenerator(v[0], shapes.Make(dtype, dims...))
						if i == 0 {
							return state, err
						}
						return values, err
					}})
			}
			got, want := p.run(t, open(t, "")), p.run(t, openGo(t))
			// Upstream leaves the third word of the state arbitrary.
			g, w := got[0].([]uint64), want[0].([]uint64)
			if !slices.Equal(g[:2], w[:2]) || fmt.Sprint(got[1]) != fmt.Sprint(want[1]) {
				t.Errorf("%s %v: got %v, want %v", dtype, dims, got, want)
			}
			if g[2] != 33 {
				t.Errorf("%s %v: third word %d, want 33", dtype, dims, g[2])
			}
		}
	}
}

// TestUnaryFunctions compares with package math over ordinary and special values.
func TestUnaryFunctions(t *testing.T) {
	values := []float32{-100, -3.5, -1, -0.5, -1e-6, 0, 1e-6, 0.5, 1, 2.5, 3.5, 20, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}
	type function struct {
		build func(compute.Function) func(compute.Value) (compute.Value, error)
		want  func(float64) float64
	}
	for name, fn := range map[string]function{
		"Exp":   {func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Exp }, math.Exp},
		"Expm1": {func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Expm1 }, math.Expm1},
		"Log":   {func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Log }, math.Log},
		"Log1p": {func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Log1p }, math.Log1p},
		"Sqrt":  {func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Sqrt }, math.Sqrt},
		"Ceil":  {func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Ceil }, math.Ceil},
		"Floor": {func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Floor }, math.Floor},
		"Round": {func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Round }, math.RoundToEven},
		"Rsqrt": {func(f compute.Function) func(compute.Value) (compute.Value, error) { return f.Rsqrt },
			func(v float64) float64 { return 1 / math.Sqrt(v) }},
	} {
		p := one(name, []planInput{{[]int{len(values)}, values, dtypes.Float32}}, unaryBuilder(fn.build))
		got := p.run(t, open(t, "threads=1"))[0].([]float32)
		for i, v := range values {
			want := float64(float32(fn.want(float64(v))))
			if !closeTo(float64(got[i]), want, 1e-5*math.Abs(want)+1e-35) {
				t.Errorf("%s(%v) = %v, want %v", name, v, got[i], want)
			}
		}
	}
}
