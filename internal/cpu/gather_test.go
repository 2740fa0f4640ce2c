package cpu_test

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"pgregory.net/rapid"
)

// rows draws gathers and scatters of whole rows.
func rows(t *rapid.T) *plan {
	n := rapid.SampledFrom([]int{1, 2, 7, 65, 197}).Draw(t, "rows")
	width := rapid.SampledFrom([]int{0, 1, 3, 17, 65, 197, 300}).Draw(t, "width") // 65 rows of 300 are divided between workers
	w := &window{operand: []int{n, width}, sizes: []int{1, width}, indexed: []int{0}, collapsed: []int{0}, indices: []int{dimension(t, "count")}}
	p := w.plan(t)
	if size(w.other) > 0 { // upstream's engine panics on none
		p.want = nil
	}
	return p
}

// windows draws gathers and scatters of any part of an array. They are compared with
// the definition: upstream's engine scatters windows as if they were as wide as the array.
func windows(t *rapid.T) *plan {
	w := &window{operand: dimensions(t, rapid.IntRange(1, 3).Draw(t, "rank")), indices: dimensions(t, rapid.IntRange(0, 2).Draw(t, "indices"))}
	for axis, d := range w.operand {
		w.sizes = append(w.sizes, rapid.SampledFrom([]int{min(1, d), min(2, d), d}).Draw(t, "size"))
		if w.sizes[axis] == 1 && rapid.Bool().Draw(t, "collapsed") {
			w.collapsed = append(w.collapsed, axis)
		}
	}
	axes := rapid.Permutation(upTo(len(w.operand))).Draw(t, "indexed")
	w.indexed = axes[:rapid.IntRange(1, len(axes)).Draw(t, "components")]
	if bulk(w.indices)*bulk(w.sizes) > 20000 {
		w.indices = []int{3}
	}
	return w.plan(t)
}

// window is what a gather takes, and a scatter gives, for each index. "Other" is the
// gather's result or the scatter's updates.
type window struct {
	operand, sizes     []int
	indexed, collapsed []int // axes of the operand that indices choose along, and that other lacks
	indices            []int // their shape, without the axis of their components
	at                 int   // that axis
	other, offsets     []int // its shape, and its axes that are the window's
}

// arrange draws where the indices' components and the window's axes are.
func (w *window) arrange(t *rapid.T) {
	w.at = rapid.IntRange(0, len(w.indices)).Draw(t, "index axis")
	w.other = slices.Clone(w.indices)
	for axis, d := range w.sizes {
		if !slices.Contains(w.collapsed, axis) {
			first := 0
			if n := len(w.offsets); n > 0 {
				first = w.offsets[n-1] + 1
			}
			to := rapid.IntRange(first, len(w.other)).Draw(t, "offset")
			w.offsets, w.other = append(w.offsets, to), slices.Insert(w.other, to, d)
		}
	}
}

// plan draws where the windows lie and what happens with them.
func (w *window) plan(t *rapid.T) *plan {
	w.arrange(t)
	indices := slices.Insert(slices.Clone(w.indices), w.at, len(w.indexed))
	in := []planInput{perhapsSpecial(t, w.operand), {indices, w.places(t, indices), dtypes.Int64}}
	if rapid.Bool().Draw(t, "gather") {
		p := one(fmt.Sprint("Gather", *w), in, func(f compute.Function, v []compute.Value) (compute.Value, error) {
			return f.Gather(v[0], v[1], w.at, w.offsets, w.collapsed, w.indexed, w.sizes, false)
		})
		p.rounding, p.want = exact, []any{w.gathered(in)}
		return p
	}
	in = append(in, perhapsSpecial(t, w.other))
	kind := rapid.IntRange(0, 2).Draw(t, "scatter")
	p := one(fmt.Sprint("Scatter", kind, *w), in, func(f compute.Function, v []compute.Value) (compute.Value, error) {
		scatter := []func(a, b, c compute.Value, x int, y, z, w []int, p, q bool) (compute.Value, error){f.ScatterSum, f.ScatterMax, f.ScatterMin}[kind]
		return scatter(v[0], v[1], v[2], w.at, w.offsets, w.collapsed, w.indexed, false, false)
	})
	p.rounding, p.want = exact, []any{w.scattered(in, kind)}
	return p
}

func (w *window) gathered(in []planInput) []float32 {
	from := in[0].flat.([]float32)
	to := make([]float32, size(w.other))
	w.each(in[1], func(operand, result int) { to[result] = from[operand] })
	return to
}

func (w *window) scattered(in []planInput, kind int) []float32 {
	to, updates := slices.Clone(in[0].flat.([]float32)), in[2].flat.([]float32)
	w.each(in[1], func(operand, update int) {
		a, b := to[operand], updates[update]
		to[operand] = []float32{a + b, max(a, b), min(a, b)}[kind]
	})
	return to
}

// each visits the elements of every index's window: their places in the operand and
// in other.
func (w *window) each(index planInput, visit func(operand, other int)) {
	starts := index.flat.([]int64)
	operandSteps, componentSteps := strides(w.operand), strides(index.dims)
	component := componentSteps[w.at]
	startSteps := slices.Delete(slices.Clone(componentSteps), w.at, w.at+1)
	windowSteps, batchSteps := w.otherSteps()
	for i := range size(w.indices) {
		operand, start := 0, place(i, w.indices, startSteps)
		for c, axis := range w.indexed {
			operand += int(starts[start+c*component]) * operandSteps[axis]
		}
		other := place(i, w.indices, batchSteps)
		for k := range size(w.sizes) {
			visit(operand+place(k, w.sizes, operandSteps), other+place(k, w.sizes, windowSteps))
		}
	}
}

// otherSteps are the strides in other of the window's axes and of the indices'.
func (w *window) otherSteps() (window, batch []int) {
	steps, kept := strides(w.other), 0
	window = make([]int, len(w.sizes))
	for axis := range window {
		if !slices.Contains(w.collapsed, axis) {
			window[axis] = steps[w.offsets[kept]]
			kept++
		}
	}
	for axis, step := range steps {
		if !slices.Contains(w.offsets, axis) {
			batch = append(batch, step)
		}
	}
	return window, batch
}

func strides(dims []int) []int {
	steps := make([]int, len(dims))
	for axis := range dims {
		steps[axis] = size(dims[axis+1:])
	}
	return steps
}

// place is where element i of an array of dims is, of given strides.
func place(i int, dims, strides []int) int {
	at := 0
	for axis, d := range slices.Backward(dims) {
		at, i = at+i%d*strides[axis], i/d
	}
	return at
}

// places draws indices of shape dims, of windows that lie within the operand.
func (w *window) places(t *rapid.T, dims []int) []int64 {
	words, inner := drawn(t, size(dims), func(word uint64) uint64 { return word >> 33 }), size(dims[w.at+1:])
	places := make([]int64, len(words))
	for i, word := range words {
		axis := w.indexed[i/inner%len(w.indexed)]
		places[i] = int64(word % uint64(1+w.operand[axis]-w.sizes[axis]))
	}
	return places
}
