package simd_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/loopitr/loopitr/internal/simd"
	"pgregory.net/rapid"
)

// attentionCase is an attention over heads that lie side by side in memory.
type attentionCase struct {
	t, s, d, dv            int
	mask, perQuery, causal bool
	bias                   bool
}

func strided(seed uint64, rows, columns, pad int) simd.Matrix {
	return simd.Matrix{Values: normal(seed, rows*(columns+pad)), Rows: rows, Columns: columns, RowStride: columns + pad, ColumnStride: 1}
}

func (c attentionCase) make() simd.Attention {
	a := simd.Attention{
		Q: strided(1, c.t, c.d, 5), K: strided(2, c.s, c.d, 3), V: strided(3, c.s, c.dv, 0),
		O: strided(4, c.t, c.dv, 2), Causal: c.causal, LogSumExp: make([]float32, c.t),
	}
	rows, stride := 1, 0
	if c.perQuery {
		rows, stride = c.t, c.s+1
	}
	if c.mask {
		a.MaskStride = stride
		for i, v := range normal(5, rows*(c.s+1)) {
			a.Mask = append(a.Mask, v > -0.5 && i%(c.s+1) < c.s-2)
		}
	}
	if c.bias {
		a.BiasStride = stride
		a.Bias = normal(6, rows*(c.s+1))
	}
	return a
}

// weights64 returns the attention weights of query i and the log-sum-exp.
func weights64(a *simd.Attention, q []float64, i int) (weights []float64, lse float64) {
	greatest, sum := math.Inf(-1), 0.0
	for j := range a.K.Rows {
		score := math.Inf(-1)
		if (a.Mask == nil || a.Mask[i*a.MaskStride+j]) && (!a.Causal || j <= i) {
			score = 0
			for k, v := range a.K.Row(j) {
				score += q[k] * float64(v) / math.Sqrt(float64(a.Q.Columns))
			}
			if a.Bias != nil {
				score += float64(a.Bias[i*a.BiasStride+j])
			}
		}
		weights, greatest = append(weights, score), max(greatest, score)
	}
	for _, s := range weights {
		if s != math.Inf(-1) {
			sum += math.Exp(s - greatest)
		}
	}
	lse = greatest + math.Log(sum)
	for j, s := range weights {
		weights[j] = 0
		if s != math.Inf(-1) {
			weights[j] = math.Exp(s - lse)
		}
	}
	return weights, lse
}

// checkAttention compares the result with float64 and returns the weights.
func checkAttention(t interface{ Fatalf(string, ...any) }, c attentionCase, a *simd.Attention) [][]float64 {
	var all [][]float64
	for i := range c.t {
		weights, lse := weights64(a, widen(a.Q.Row(i)), i)
		all = append(all, weights)
		if !near(a.LogSumExp[i], lse, 2e-5) {
			t.Fatalf("%+v: log-sum-exp[%d] = %v, want %v", c, i, a.LogSumExp[i], lse)
		}
		for k := range c.dv {
			want := 0.0
			for j, p := range weights {
				want += p * float64(a.V.Row(j)[k])
			}
			if !near(a.O.Row(i)[k], want, 1e-5) {
				t.Fatalf("%+v: O[%d,%d] = %v, want %v", c, i, k, a.O.Row(i)[k], want)
			}
		}
	}
	return all
}

// checkAttentionGradient compares with the formula in float64.
func checkAttentionGradient(t interface{ Fatalf(string, ...any) }, c attentionCase, g *simd.AttentionGradient, weights [][]float64) {
	dq, dk, dv := make([]float64, c.t*c.d), make([]float64, c.s*c.d), make([]float64, c.s*c.dv)
	for i, row := range weights {
		slopes, mean := make([]float64, c.s), 0.0
		for j, p := range row {
			for k, d := range g.DO.Row(i) {
				slopes[j] += float64(d) * float64(g.V.Row(j)[k])
				dv[j*c.dv+k] += p * float64(d)
			}
			mean += p * slopes[j]
		}
		for j, p := range row {
			slope := p * (slopes[j] - mean) / math.Sqrt(float64(c.d))
			for k := range c.d {
				dq[i*c.d+k] += slope * float64(g.K.Row(j)[k])
				dk[j*c.d+k] += slope * float64(g.Q.Row(i)[k])
			}
		}
	}
	for _, pair := range []struct {
		name string
		got  simd.Matrix
		want []float64
	}{{"dQ", g.DQ, dq}, {"dK", g.DK, dk}, {"dV", g.DV, dv}} {
		for i, want := range pair.want {
			n := pair.got.Columns
			if got := pair.got.Row(i / n)[i%n]; !near(got, want, 1e-4*(1+math.Abs(want))) {
				t.Fatalf("%+v: %s[%d,%d] = %v, want %v", c, pair.name, i/n, i%n, got, want)
			}
		}
	}
}

func runAttention(t interface{ Fatalf(string, ...any) }, c attentionCase) {
	a := c.make()
	var w simd.Workspace
	a.Run(&w, 0, c.t)
	weights := checkAttention(t, c, &a)
	whole := append([]float32(nil), a.O.Values...)
	half := c.t / 3
	a.Run(&w, half, c.t)
	a.Run(&w, 0, half)
	for i, v := range a.O.Values {
		if math.Float32bits(v) != math.Float32bits(whole[i]) {
			t.Fatalf("%+v: queries apart differ from queries together", c)
		}
	}
	g := simd.AttentionGradient{Attention: a, DO: strided(7, c.t, c.dv, 1),
		DQ: strided(8, c.t, c.d, 4), DK: strided(9, c.s, c.d, 1), DV: strided(10, c.s, c.dv, 0)}
	g.Run(&w)
	checkAttentionGradient(t, c, &g, weights)
}

func TestAttentionAgreesWithTheFormula(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			size, flag := rapid.IntRange(1, 40), rapid.Bool()
			c := attentionCase{
				t: size.Draw(t, "t"), s: size.Draw(t, "s"), d: size.Draw(t, "d"), dv: size.Draw(t, "dv"),
				mask: flag.Draw(t, "mask"), perQuery: flag.Draw(t, "per query"), causal: flag.Draw(t, "causal"), bias: flag.Draw(t, "bias"),
			}
			runAttention(t, c)
		})
	})
}

// More queries and keys than one block holds.
func TestLongAttentionAgreesWithTheFormula(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		runAttention(t, attentionCase{t: 101, s: 1030, d: 8, dv: 5, mask: true})
		runAttention(t, attentionCase{t: 100, s: 700, d: 4, dv: 16, mask: true, bias: true, perQuery: true})
		runAttention(t, attentionCase{t: 650, s: 650, d: 4, dv: 3, causal: true})
		runAttention(t, attentionCase{t: 65, s: 65, d: 64, dv: 64})
	})
}

// The gradient of one element of O by differences of the forward kernel's
// formula, so that the reference above is itself checked.
func TestAttentionGradientByDifferences(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		c := attentionCase{t: 3, s: 7, d: 5, dv: 4}
		a := c.make()
		var w simd.Workspace
		a.Run(&w, 0, c.t)
		g := simd.AttentionGradient{Attention: a, DO: strided(7, c.t, c.dv, 0), DQ: strided(8, c.t, c.d, 0)}
		g.Run(&w)
		loss := func(q []float64, i int) (sum float64) {
			weights, _ := weights64(&a, q, i)
			for j, p := range weights {
				for k, d := range g.DO.Row(i) {
					sum += p * float64(d) * float64(a.V.Row(j)[k])
				}
			}
			return sum
		}
		for i := range c.t {
			for k := range c.d {
				const h = 1e-5
				up, down := widen(a.Q.Row(i)), widen(a.Q.Row(i))
				up[k] += h
				down[k] -= h
				want := (loss(up, i) - loss(down, i)) / (2 * h)
				if !near(g.DQ.Row(i)[k], want, 1e-4) {
					t.Fatalf("dQ[%d,%d] = %v, want %v", i, k, g.DQ.Row(i)[k], want)
				}
			}
		}
	})
}

func TestAttentionOfNoKeysIsZero(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		a := attentionCase{t: 3, s: 4, d: 5, dv: 4}.make()
		a.Mask = make([]bool, 4)
		g := simd.AttentionGradient{Attention: a, DO: strided(7, 3, 4, 0), DQ: strided(8, 3, 5, 0), DK: strided(8, 4, 5, 0), DV: strided(8, 4, 4, 0)}
		var w simd.Workspace
		a.Run(&w, 0, 3)
		g.Run(&w)
		for _, m := range []simd.Matrix{a.O, g.DQ, g.DK, g.DV} {
			for i := range m.Rows {
				if simd.Dot(m.Row(i), m.Row(i)) != 0 {
					t.Fatalf("row %d = %v", i, m.Row(i))
				}
			}
		}
		if !math.IsInf(float64(a.LogSumExp[0]), -1) {
			t.Errorf("log-sum-exp = %v", a.LogSumExp[0])
		}
	})
}

func BenchmarkAttention(b *testing.B) {
	peak := simd.Peak(50e6)
	for _, s := range []struct{ t, s int }{{197, 197}, {65, 65}, {17, 197}, {24, 65}, {577, 577}} {
		const d, heads = 64, 12
		view := func(seed uint64, rows int) simd.Matrix { return strided(seed, rows, d, d*(heads-1)) }
		a := simd.Attention{Q: view(1, s.t), K: view(2, s.s), V: view(3, s.s), O: view(4, s.t), LogSumExp: make([]float32, s.t)}
		g := simd.AttentionGradient{Attention: a, DO: view(5, s.t), DQ: view(6, s.t), DK: view(7, s.s), DV: view(8, s.s)}
		var w simd.Workspace
		flops := float64(2 * s.t * s.s * d)
		b.Run(fmt.Sprintf("%dx%d/forward", s.t, s.s), func(b *testing.B) {
			rate := 2 * flops / fastest(b, func() { a.Run(&w, 0, s.t) })
			b.ReportMetric(rate, "GFLOPS")
			b.ReportMetric(rate/peak, "of-peak")
		})
		b.Run(fmt.Sprintf("%dx%d/gradient", s.t, s.s), func(b *testing.B) {
			rate := 5 * flops / fastest(b, func() { g.Run(&w) })
			b.ReportMetric(rate, "GFLOPS")
			b.ReportMetric(rate/peak, "of-peak")
		})
	}
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
