package cpu_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// heads is an attention problem in layout BHSD with what it may have.
type heads struct {
	batch, heads, queries, keys, width int
	q, k, v, weight                    []float64 // weight sums the output to one number
	mask                               []bool    // [batch, 1, queries, keys] or nil
	bias                               []float64 // [batch, 1, 1, keys] or nil
	causal                             bool
}

func newHeads(batch, h, queries, keys, width int) *heads {
	rng := rand.New(rand.NewPCG(uint64(queries), uint64(keys)))
	p := &heads{batch: batch, heads: h, queries: queries, keys: keys, width: width}
	draw := func(n int) []float64 {
		s := make([]float64, n)
		for i := range s {
			s[i] = float64(float32(rng.NormFloat64()))
		}
		return s
	}
	p.q, p.weight = draw(batch*h*queries*width), draw(batch*h*queries*width)
	p.k, p.v = draw(batch*h*keys*width), draw(batch*h*keys*width)
	return p
}

// output is the definition in float64.
func (p *heads) output() []float64 {
	out := make([]float64, len(p.q))
	for b := range p.batch {
		for h := range p.heads {
			for i := range p.queries {
				p.row(out, b, h, i)
			}
		}
	}
	return out
}

func (p *heads) row(out []float64, b, h, i int) {
	scores := make([]float64, p.keys)
	at := ((b*p.heads+h)*p.queries + i) * p.width
	sum := 0.0
	for j := range scores {
		key := ((b*p.heads+h)*p.keys + j) * p.width
		for d := range p.width {
			scores[j] += p.q[at+d] * p.k[key+d]
		}
		scores[j] /= math.Sqrt(float64(p.width))
		if p.bias != nil {
			scores[j] += p.bias[b*p.keys+j]
		}
		if p.mask != nil && !p.mask[(b*p.queries+i)*p.keys+j] || p.causal && j > i {
			scores[j] = math.Inf(-1)
		}
		sum += math.Exp(scores[j])
	}
	for j, s := range scores {
		key := ((b*p.heads+h)*p.keys + j) * p.width
		for d := range p.width {
			out[at+d] += math.Exp(s) / sum * p.v[key+d]
		}
	}
}

func (p *heads) value() float64 {
	total := 0.0
	for i, o := range p.output() {
		total += o * p.weight[i]
	}
	return total
}

// arrange turns [batch, heads, n, width] into the layout's order.
func (p *heads) arrange(values []float64, n int, layout compute.AttentionAxesLayout) ([]float32, shapes.Shape) {
	out := make([]float32, len(values))
	for i, v := range values {
		d, rest := i%p.width, i/p.width
		row, rest := rest%n, rest/n
		h, b := rest%p.heads, rest/p.heads
		to := i
		if layout == compute.AttentionAxesLayoutBSHD {
			to = ((b*n+row)*p.heads+h)*p.width + d
		}
		out[to] = float32(v)
	}
	if layout == compute.AttentionAxesLayoutBSHD {
		return out, shapes.Make(dtypes.Float32, p.batch, n, p.heads, p.width)
	}
	return out, shapes.Make(dtypes.Float32, p.batch, p.heads, n, p.width)
}

// run computes output and gradients of query, key and value on a backend.
func (p *heads) run(t *testing.T, b compute.Backend, layout compute.AttentionAxesLayout) [][]float32 {
	t.Helper()
	f := b.Builder("attention")
	main, m := f.Main(), must(t)
	var values []compute.Value
	var buffers []compute.Buffer
	add := func(flat any, shape shapes.Shape) compute.Value {
		v := m(main.Parameter(fmt.Sprint("x", len(values)), shape, nil))
		values, buffers = append(values, v), append(buffers, buffer(t, b, flat, shape))
		return v
	}
	for i, in := range [][]float64{p.q, p.k, p.v, p.weight} {
		n := p.keys
		if i == 0 || i == 3 {
			n = p.queries
		}
		add(p.arrange(in, n, layout))
	}
	options := &compute.ScaledDotProductAttentionConfig{Causal: p.causal}
	if p.mask != nil {
		dims := []int{p.batch, 1, p.queries, p.keys}
		if layout == compute.AttentionAxesLayoutBSHD {
			dims = []int{p.batch, p.queries, 1, p.keys}
		}
		options.Mask = add(p.mask, shapes.Make(dtypes.Bool, dims...))
	}
	if p.bias != nil {
		narrow := make([]float32, len(p.bias))
		for i, v := range p.bias {
			narrow[i] = float32(v)
		}
		options.Bias = add(narrow, shapes.Make(dtypes.Float32, p.batch, 1, 1, p.keys))
	}
	out, state, err := main.FusedScaledDotProductAttention(values[0], values[1], values[2], layout, options)
	if err != nil {
		t.Fatal(err)
	}
	dq, dk, dv, err := main.FusedScaledDotProductAttentionVJP(values[0], values[1], values[2], layout, options, out, state, values[3])
	if err != nil {
		t.Fatal(err)
	}
	if err := main.Return([]compute.Value{out, dq, dk, dv}, nil); err != nil {
		t.Fatal(err)
	}
	e, err := f.Compile()
	if err != nil {
		t.Fatal(err)
	}
	results, err := e.Execute(buffers, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]float32
	for _, r := range results {
		all = append(all, data(t, r))
	}
	return all
}

func TestAttentionByDefinitionAndDifferences(t *testing.T) {
	eachLevel(t, attentionByDefinitionAndDifferences)
}

func attentionByDefinitionAndDifferences(t *testing.T) {
	b := open(t, "threads=2")
	for name, change := range map[string]func(p *heads){
		"plain":  func(*heads) {},
		"causal": func(p *heads) { p.causal = true },
		"mask": func(p *heads) {
			p.mask = make([]bool, p.batch*p.queries*p.keys)
			for i := range p.mask {
				p.mask[i] = i%3 != 1 || p.keys == 1
			}
		},
		"bias": func(p *heads) {
			p.bias = make([]float64, p.batch*p.keys)
			for i := range p.bias {
				p.bias[i] = -float64(i % 4)
			}
		},
	} {
		for _, size := range [][2]int{{1, 1}, {3, 7}, {17, 17}, {65, 33}} {
			p := newHeads(2, 3, size[0], size[1], 8)
			if change(p); p.causal && size[0] > size[1] {
				continue
			}
			for _, layout := range []compute.AttentionAxesLayout{compute.AttentionAxesLayoutBHSD, compute.AttentionAxesLayoutBSHD} {
				t.Run(fmt.Sprint(name, size, layout), func(t *testing.T) { p.check(t, b, layout) })
			}
		}
	}
}

func (p *heads) check(t *testing.T, b compute.Backend, layout compute.AttentionAxesLayout) {
	got := p.run(t, b, layout)
	want, _ := p.arrange(p.output(), p.queries, layout)
	near(t, "output", got[0], want, 1e-5)
	const h = 1e-5
	for i, in := range [][]float64{p.q, p.k, p.v} {
		n := p.keys
		if i == 0 {
			n = p.queries
		}
		for _, j := range []int{0, len(in) / 2, len(in) - 1} {
			kept := in[j]
			in[j] = kept + h
			above := p.value()
			in[j] = kept - h
			below := p.value()
			in[j] = kept
			// The same element's place in the layout: where a one lands.
			one := make([]float64, len(in))
			one[j] = 1
			places, _ := p.arrange(one, n, layout)
			want := (above - below) / (2 * h)
			for place, v := range places {
				if v == 1 && math.Abs(float64(got[1+i][place])-want) > 1e-4*(1+math.Abs(want)) {
					t.Errorf("gradient %d[%d] = %v, by differences %v", i, j, got[1+i][place], want)
				}
			}
		}
	}
}

// NaN and infinities go where the definition takes them, and stay within their head.
func TestAttentionOfNumbersThatAreNone(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		b := open(t, "threads=2")
		for _, size := range [][2]int{{3, 7}, {17, 17}, {7, 65}} {
			clean := newHeads(2, 2, size[0], size[1], 8)
			was := clean.run(t, b, compute.AttentionAxesLayoutBHSD)
			for operand, name := range []string{"query", "key", "value"} {
				for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
					p := newHeads(2, 2, size[0], size[1], 8)
					in := [][]float64{p.q, p.k, p.v}[operand]
					in[len(in)/4-1] = bad // the end of the first head
					t.Run(fmt.Sprint(name, size, bad), func(t *testing.T) { p.checkBad(t, p.run(t, b, compute.AttentionAxesLayoutBHSD), was) })
				}
			}
		}
	})
}

// checkBad compares results of which the first head holds a bad number; was are those
// without it.
func (p *heads) checkBad(t *testing.T, got, was [][]float32) {
	for i, want := range p.output()[:len(p.q)/4] {
		g := float64(got[0][i])
		if same := g == want || math.IsNaN(g) && math.IsNaN(want) || math.Abs(g-want) <= 1e-5*(1+math.Abs(want)); !same {
			t.Fatalf("output %d is %v, by definition %v", i, g, want)
		}
	}
	for k, values := range got {
		if diff := cmp.Diff(was[k][len(values)/4:], values[len(values)/4:]); diff != "" {
			t.Errorf("result %d of other heads: %s", k, diff)
		}
	}
}

// What is one value for all keys is the same as that value for each of them.
func TestMasksBroadcastOverKeys(t *testing.T) {
	b, m := open(t, "threads=1"), must(t)
	qkv := make([]float32, 4*8)
	for i := range qkv {
		qkv[i] = float32(i%7) - 3
	}
	run := func(mask any, dtype dtypes.DType, dims ...int) []float32 {
		builder := b.Builder("test")
		f, operand, shape := builder.Main(), shapes.Make(dtypes.Float32, 1, 1, 4, 8), shapes.Make(dtype, dims...)
		x, y := m(f.Parameter("x", operand, nil)), m(f.Parameter("mask", shape, nil))
		o, _, err := f.FusedScaledDotProductAttention(x, x, x, compute.AttentionAxesLayoutBHSD, &compute.ScaledDotProductAttentionConfig{Mask: y})
		if err := errors.Join(err, f.Return([]compute.Value{o}, nil)); err != nil {
			t.Fatal(err)
		}
		e, err := builder.Compile()
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Execute([]compute.Buffer{buffer(t, b, qkv, operand), buffer(t, b, mask, shape)}, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		values, err := out[0].Data()
		if err != nil {
			t.Fatal(err)
		}
		return values.([]float32)
	}
	narrow, wide := []bool{true, true, false, true}, make([]bool, 16)
	bias, wideBias := []float32{5, -3, 2, 0}, make([]float32, 16)
	for i := range wide {
		wide[i], wideBias[i] = narrow[i/4], bias[i/4]
	}
	for name, pair := range map[string][2][]float32{
		"mask":        {run(narrow, dtypes.Bool, 1, 1, 4, 1), run(wide, dtypes.Bool, 1, 1, 4, 4)},
		"bias":        {run(bias, dtypes.Float32, 1, 1, 4, 1), run(wideBias, dtypes.Float32, 1, 1, 4, 4)},
		"bias of one": {run(bias[:1], dtypes.Float32, 1), run([]float32{5, 5, 5, 5}, dtypes.Float32, 1, 1, 1, 4)},
	} {
		if diff := cmp.Diff(pair[1], pair[0], cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
