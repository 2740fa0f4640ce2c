package simd_test

import (
	"math"
	"testing"

	"github.com/loopitr/loopitr/internal/simd"
)

func softmax64(x []float32) (y []float64, lse float64) {
	greatest := math.Inf(-1)
	for _, v := range x {
		greatest = max(greatest, float64(v))
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp(float64(v) - greatest)
	}
	for _, v := range x {
		y = append(y, math.Exp(float64(v)-greatest)/sum)
	}
	return y, greatest + math.Log(sum)
}

func TestSoftmaxAndItsGradient(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range odd {
			x, dy := normal(1, n), normal(2, n)
			simd.MulScalar(x, x, 5)
			want, lse := softmax64(x)
			y, check := guarded(t, n)
			simd.Softmax(y, x)
			logs := make([]float32, n)
			simd.LogSoftmax(logs, x)
			greatest, sum := simd.MaxSumExp(x)
			if got := float64(greatest) + math.Log(float64(sum)); math.Abs(got-lse) > 1e-5 {
				t.Errorf("log-sum-exp of %d = %v, want %v", n, got, lse)
			}
			dx, dlog := make([]float32, n), make([]float32, n)
			simd.SoftmaxGradient(dx, y, dy)
			simd.LogSoftmaxGradient(dlog, logs, dy)
			check()
			var dot, total float64
			for i := range want {
				dot, total = dot+want[i]*float64(dy[i]), total+float64(dy[i])
			}
			for i := range want {
				if !near(y[i], want[i], 1e-6) || !near(logs[i], float64(x[i])-lse, 1e-5) {
					t.Fatalf("softmax of %d: [%d] = %v, log %v, want %v", n, i, y[i], logs[i], want[i])
				}
				if !near(dx[i], want[i]*(float64(dy[i])-dot), 2e-6) || !near(dlog[i], float64(dy[i])-want[i]*total, 2e-5) {
					t.Fatalf("softmax gradient of %d: [%d] = %v, log %v", n, i, dx[i], dlog[i])
				}
			}
		}
	})
}

func TestSoftmaxOfExtremes(t *testing.T) {
	inf := float32(math.Inf(1))
	nan := math.NaN()
	eachLevel(t, func(t *testing.T) {
		for _, c := range []struct{ x, want []float32 }{
			{[]float32{-inf, 0, -inf}, []float32{0, 1, 0}},
			{[]float32{1e30, -1e30}, []float32{1, 0}},
			{[]float32{-inf, -inf}, []float32{float32(nan), float32(nan)}},
			{[]float32{0, float32(nan)}, []float32{float32(nan), float32(nan)}},
		} {
			got := make([]float32, len(c.x))
			simd.Softmax(got, c.x)
			for i := range got {
				if !near(got[i], float64(c.want[i]), 0) {
					t.Errorf("softmax of %v = %v, want %v", c.x, got, c.want)
				}
			}
		}
		if m, s := simd.MaxSumExp([]float32{-inf, -inf}); m != -inf || s != 0 {
			t.Errorf("all -Inf: %v, %v", m, s)
		}
	})
}

// norm64 is layer norm in float64.
func norm64(x []float64, gamma, beta []float32, epsilon float64) []float64 {
	var mean, variance float64
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v - mean) / math.Sqrt(variance+epsilon)
		if gamma != nil {
			y[i] *= float64(gamma[i])
		}
		if beta != nil {
			y[i] += float64(beta[i])
		}
	}
	return y
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func TestLayerNormAndItsGradientByDifferences(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range []int{2, 7, 17, 65, 192} {
			for _, plain := range []bool{false, true} {
				norm := simd.LayerNorm{Gamma: normal(3, n), Beta: normal(4, n), Epsilon: 1e-5}
				if plain {
					norm.Gamma, norm.Beta = nil, nil
				}
				x, dy := normal(1, n), normal(2, n)
				simd.AddScalar(x, x, 3)
				y, check := guarded(t, n)
				moments := norm.Row(y, x)
				check()
				for i, want := range norm64(widen(x), norm.Gamma, norm.Beta, 1e-5) {
					if !near(y[i], want, 2e-5) {
						t.Fatalf("layer norm of %d: [%d] = %v, want %v", n, i, y[i], want)
					}
				}
				checkNormGradient(t, norm, x, dy, moments)
			}
		}
	})
}

func checkNormGradient(t *testing.T, norm simd.LayerNorm, x, dy []float32, m simd.Moments) {
	t.Helper()
	n := len(x)
	dx, check := guarded(t, n)
	g := simd.LayerNormGradient{Gamma: norm.Gamma, DGamma: make([]float32, n), DBeta: make([]float32, n)}
	g.Row(dx, x, dy, m)
	g.Row(nil, x, dy, m) // accumulates
	check()
	loss := func(x []float64) (sum float64) {
		for i, v := range norm64(x, norm.Gamma, norm.Beta, 1e-5) {
			sum += v * float64(dy[i])
		}
		return sum
	}
	for i := range x {
		const h = 1e-5
		up, down := widen(x), widen(x)
		up[i] += h
		down[i] -= h
		want := (loss(up) - loss(down)) / (2 * h)
		if !near(dx[i], want, 1e-4*(1+math.Abs(want))) {
			t.Fatalf("layer norm gradient of %d: dx[%d] = %v, want %v", n, i, dx[i], want)
		}
		normal := float64((x[i] - m.Mean) * m.Rstd)
		if !near(g.DGamma[i], 2*normal*float64(dy[i]), 1e-5) || !near(g.DBeta[i], 2*float64(dy[i]), 0) {
			t.Fatalf("layer norm gradient of %d: dgamma[%d] = %v, dbeta %v", n, i, g.DGamma[i], g.DBeta[i])
		}
	}
}

func TestAdamWByHand(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range odd {
			p, check := guarded(t, n)
			m, v, g := normal(1, n), normal(2, n), normal(3, n)
			copy(p, normal(4, n))
			simd.Abs(v, v)
			o := simd.AdamW{Rate: 0.01, Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, Decay: 0.1, Correction1: 1 / (1 - 0.81), Correction2: 1 / (1 - 0.9801), GradientScale: 0.5}
			wantP, wantM, wantV := widen(p), widen(m), widen(v)
			for i := range wantP {
				d := 0.5 * float64(g[i])
				wantM[i] = 0.9*wantM[i] + 0.1*d
				wantV[i] = 0.99*wantV[i] + 0.01*d*d
				wantP[i] -= 0.01 * (wantM[i]/0.19/(math.Sqrt(wantV[i]/0.0199)+1e-8) + 0.1*wantP[i])
			}
			o.Update(p, m, v, g)
			check()
			for i := range p {
				if !near(p[i], wantP[i], 3e-6) || !near(m[i], wantM[i], 1e-6) || !near(v[i], wantV[i], 1e-6) {
					t.Fatalf("update of %d: [%d] = %v, %v, %v, want %v, %v, %v", n, i, p[i], m[i], v[i], wantP[i], wantM[i], wantV[i])
				}
			}
		}
	})
}
