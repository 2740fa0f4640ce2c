package bench

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/attention"

	"github.com/loopitr/loopitr/internal/engine"
)

// productShapes are M, K and N of the products of ViT-B at 224 px and of the
// small preset, their gradients, attention's and those of a few rows; a and b
// say which operands are stored transposed. As internal/simd's BenchmarkProduct,
// but for the batch: attention multiplies the matrices of all heads at once.
var productShapes = []struct {
	batch, m, k, n int
	a, b           bool
}{
	{m: 256, k: 256, n: 256}, {m: 512, k: 512, n: 512}, {m: 512, k: 512, n: 512, b: true}, {m: 512, k: 512, n: 512, a: true},
	{m: 1576, k: 768, n: 3072}, {m: 1576, k: 3072, n: 768, b: true}, {m: 768, k: 1576, n: 3072, a: true},
	{m: 4160, k: 192, n: 768}, {m: 4160, k: 768, n: 192}, {m: 4160, k: 768, n: 192, b: true}, {m: 192, k: 4160, n: 768, a: true},
	{batch: 96, m: 197, k: 64, n: 197, b: true}, {batch: 96, m: 197, k: 197, n: 64},
	{batch: 192, m: 65, k: 64, n: 65, b: true}, {batch: 192, m: 65, k: 65, n: 64}, {batch: 192, m: 17, k: 64, n: 65, b: true},
	{m: 1, k: 768, n: 3072}, {m: 1, k: 3072, n: 768, b: true}, {m: 4, k: 768, n: 3072}, {m: 4, k: 3072, n: 768, b: true},
	{m: 16, k: 768, n: 768}, {m: 16, k: 768, n: 768, b: true},
}

// fewRows is up to how many rows reading B bounds a product: of 4 rows it reaches 0.2 to
// 0.4 of the peak, of 16 over half (docs/benchmarks.md).
const fewRows = 4

func (s *session) products() []row {
	var rows []row
	shapes := productShapes
	if s.Short {
		shapes = shapes[15:17]
	}
	for _, p := range shapes {
		left, right := []int{p.m, p.k}, []int{p.k, p.n}
		leftAxes, rightAxes, form := "mk", "kn", []byte("NN")
		if p.a {
			left, leftAxes, form[0] = []int{p.k, p.m}, "km", 'T'
		}
		if p.b {
			right, rightAxes, form[1] = []int{p.n, p.k}, "nk", 'T'
		}
		size, result, axis := fmt.Sprintf("%dx%dx%d %s", p.m, p.k, p.n, form), []int{p.m, p.n}, ""
		if p.batch > 0 {
			size, axis = fmt.Sprintf("%d of %s", p.batch, size), "b"
			left, right, result = slices.Insert(left, 0, p.batch), slices.Insert(right, 0, p.batch), slices.Insert(result, 0, p.batch)
		}
		equation := fmt.Sprintf("%[1]s%[2]s,%[1]s%[3]s->%[1]smn", axis, leftAxes, rightAxes)
		r := resident{
			operands: []engine.Variable{variable("a", left...), variable("b", right...)},
			results:  []engine.Variable{variable("c", result...)},
			build: func(v map[string]*graph.Node) map[string]*graph.Node {
				return map[string]*graph.Node{"c": graph.Einsum(equation, v["a"], v["b"])}
			},
		}
		var reads float64
		if p.batch == 0 && p.m <= fewRows {
			reads = 4 * float64(p.m*p.k+p.k*p.n)
		}
		rows = append(rows, row{
			name: rowProduct, size: size, unit: "products", amount: 1,
			flops: 2 * float64(max(1, p.batch)) * float64(p.m) * float64(p.k) * float64(p.n),
			array: reads, passes: 1,
			offers: append(s.competing(offer{}, r.open),
				s.peer(peerTorch, rowProduct, map[string]any{"a": left, "b": right, "turn_a": p.a, "turn_b": p.b})...),
		})
	}
	return rows
}

// attentionShapes are pairs, heads, queries and keys, with heads 64 wide: ViT-B at
// 224 px with itself, the small preset's with itself, captions with pictures.
var attentionShapes = []struct{ b, h, t, s int }{{8, 12, 197, 197}, {64, 3, 65, 65}, {24, 12, 16, 197}}

const headWidth = 64

func (s *session) attentions() []row {
	var rows []row
	for _, name := range []string{rowForward, rowGradient} {
		for _, a := range attentionShapes {
			if s.Short {
				a.b, a.h, a.t, a.s = 2, 1, 3, 5
			}
			// Two products forward, four more for the gradients of all three.
			products := 2.0
			if name == rowGradient {
				products = 6
			}
			q, k := []int{a.b, a.h, a.t, headWidth}, []int{a.b, a.h, a.s, headWidth}
			r := attentionOf(q, k, name == rowGradient)
			rows = append(rows, row{
				name: name, size: fmt.Sprintf("%dx%dx%dx%dx%d", a.b, a.h, a.t, a.s, headWidth), unit: "passes", amount: 1,
				flops: products * 2 * float64(a.b*a.h*a.t*a.s*headWidth),
				offers: append(s.competing(offer{}, r.open),
					s.peer(peerTorch, name, map[string]any{"q": q, "k": k})...),
			})
			if s.Short {
				break
			}
		}
	}
	return rows
}

// attentionOf is attention and, where asked, the gradients of all its operands.
func attentionOf(q, k []int, gradient bool) resident {
	r := resident{operands: []engine.Variable{variable("q", q...), variable("k", k...), variable("v", k...)}}
	forward := func(v map[string]*graph.Node) *graph.Node {
		out, _ := attention.Core(v["q"], v["k"], v["v"], attention.LayoutBHSD, attention.CoreOptions{})
		return out
	}
	if !gradient {
		r.results = []engine.Variable{variable("o", q...)}
		r.build = func(v map[string]*graph.Node) map[string]*graph.Node {
			return map[string]*graph.Node{"o": forward(v)}
		}
		return r
	}
	r.operands = append(r.operands, variable("slope", q...))
	r.results = []engine.Variable{variable("dq", q...), variable("dk", k...), variable("dv", k...)}
	r.build = func(v map[string]*graph.Node) map[string]*graph.Node {
		sum := graph.ReduceAllSum(graph.Mul(forward(v), v["slope"]))
		g := graph.Gradient(sum, v["q"], v["k"], v["v"])
		return map[string]*graph.Node{"dq": g[0], "dk": g[1], "dv": g[2]}
	}
	return r
}
