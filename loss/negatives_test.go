package loss_test

import (
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
)

// draw takes similarity, noise and group ids.
func draw(c loss.NegativesConfig) build {
	return func(in []*Node) []*Node {
		got := loss.HardNegatives(c, loss.Search{Similarity: in[0], Noise: in[1], Same: loss.SameGroup(in[2], in[2])})
		return []*Node{got.Columns, got.Valid, got.Skipped}
	}
}

func TestHardNegativesByHand(t *testing.T) {
	similarity := matrix([]float32{9, 1, 3, 2}, []float32{5, 9, 5, 7}, []float32{-2, -3, 9, -1}, []float32{0, 0, 0, 9})
	quiet := engine.Floats(make([]float32, 16), 4, 4)
	loud := matrix([]float32{50, 0, 0, 20}, []float32{0, 50, 20, 0}, []float32{20, 0, 50, 0}, []float32{0, 20, 0, 50})
	type sides struct {
		columns [][]int64
		valid   [][]float32
		skipped float32
	}
	all := [][]float32{{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}
	for name, test := range map[string]struct {
		sampler loss.Sampler
		noise   engine.Tensor
		groups  engine.Tensor
		want    sides
	}{
		"top":                {loss.Top, loud, ids(0, 1, 2, 3), sides{[][]int64{{0, 2, 3}, {1, 3, 0}, {2, 3, 0}, {3, 0, 1}}, all, 0}},
		"multinomial, quiet": {loss.Multinomial, quiet, ids(0, 1, 2, 3), sides{[][]int64{{0, 2, 3}, {1, 3, 0}, {2, 3, 0}, {3, 0, 1}}, all, 0}},
		"multinomial, loud":  {loss.Multinomial, loud, ids(0, 1, 2, 3), sides{[][]int64{{0, 3, 2}, {1, 2, 3}, {2, 0, 3}, {3, 1, 0}}, all, 0}},
		"random":             {loss.Random, loud, ids(0, 1, 2, 3), sides{[][]int64{{0, 3, 1}, {1, 2, 0}, {2, 0, 1}, {3, 1, 0}}, all, 0}},
		"group of two":       {loss.Top, quiet, ids(0, 1, 0, 3), sides{[][]int64{{0, 3, 1}, {1, 3, 0}, {2, 3, 1}, {3, 0, 1}}, all, 0}},
		"group of three":     {loss.Top, quiet, ids(0, 0, 0, 3), sides{[][]int64{{0, 3, 0}, {1, 3, 1}, {2, 3, 2}, {3, 0, 1}}, [][]float32{{1, 1, 0}, {1, 1, 0}, {1, 1, 0}, {1, 1, 1}}, 0}},
		"all of one group":   {loss.Top, quiet, ids(5, 5, 5, 5), sides{[][]int64{{0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {3, 3, 3}}, [][]float32{{1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}}, 4}},
		"all of one, random": {loss.Random, loud, ids(5, 5, 5, 5), sides{[][]int64{{0, 0, 0}, {1, 1, 1}, {2, 2, 2}, {3, 3, 3}}, [][]float32{{1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}}, 4}},
	} {
		got := run(t, draw(loss.NegativesConfig{Count: 2, Sampler: test.sampler}), similarity, test.noise, test.groups)
		var have sides
		for i := range 4 {
			have.columns = append(have.columns, got[0].Ints()[3*i:3*i+3])
			have.valid = append(have.valid, got[1].Floats()[3*i:3*i+3])
		}
		have.skipped = got[2].Floats()[0]
		if diff := cmp.Diff(test.want, have, cmp.AllowUnexported(sides{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Gumbel's top one must be a draw from the softmax, its second from what is left.
func TestMultinomialDrawsBySoftmax(t *testing.T) {
	s := []float64{0, 1, 0, -1} // row 0 and its three candidates
	similarity := matrix([]float32{0, 1, 0, -1}, make([]float32, 4), make([]float32, 4), make([]float32, 4))
	f := compile(t, draw(loss.NegativesConfig{Count: 2, Sampler: loss.Multinomial}), similarity, noise(1, 4), ids(0, 1, 2, 3))
	const rounds = 4000
	var first [4]float64
	pairs := map[[2]int64]float64{}
	for step := range rounds {
		values := make([]float32, 16)
		loss.Gumbel(3, uint64(step), values)
		got := f(similarity, engine.Floats(values, 4, 4), ids(0, 1, 2, 3))[0].Ints()
		first[got[1]]++
		pairs[[2]int64{got[1], got[2]}]++
	}
	var total float64
	for _, v := range s[1:] {
		total += math.Exp(v)
	}
	for j := 1; j < 4; j++ {
		p := math.Exp(s[j]) / total
		// Four standard deviations.
		if bound := 4 * math.Sqrt(p*(1-p)/rounds); math.Abs(first[j]/rounds-p) > bound {
			t.Errorf("candidate %d drawn %v of the time, want %v +- %v", j, first[j]/rounds, p, bound)
		}
		for k := 1; k < 4; k++ {
			if k == j {
				continue
			}
			p := p * math.Exp(s[k]) / (total - math.Exp(s[j]))
			if bound := 4 * math.Sqrt(p*(1-p)/rounds); math.Abs(pairs[[2]int64{int64(j), int64(k)}]/rounds-p) > bound {
				t.Errorf("%d then %d drawn %v of the time, want %v", j, k, pairs[[2]int64{int64(j), int64(k)}]/rounds, p)
			}
		}
	}
}

func TestHardness(t *testing.T) {
	similarity := matrix([]float32{0, 8, 0, -8}, make([]float32, 4), make([]float32, 4), make([]float32, 4))
	quiet := make([]float32, 16)
	quiet[3] = 10 // the noise favours the easiest candidate
	for hardness, want := range map[float32]int64{0: 3, 1: 1, 0.1: 3} {
		got := run(t, func(in []*Node) []*Node {
			c := loss.HardNegatives(loss.DefaultNegatives(), loss.Search{
				Similarity: in[0], Noise: in[1], Same: loss.SameGroup(in[2], in[2]), Hardness: in[3],
			})
			return []*Node{c.Columns}
		}, similarity, engine.Floats(quiet, 4, 4), ids(0, 1, 2, 3), engine.Scalar(hardness))
		if got[0].Ints()[1] != want {
			t.Errorf("hardness %v chose %d, want %d", hardness, got[0].Ints()[1], want)
		}
	}
}

// Whatever the batch: nothing of the same group, nothing twice, and as many as there are.
func TestHardNegativesNeverChooseTheirGroup(t *testing.T) {
	const b, m = 6, 3
	for _, sampler := range []loss.Sampler{loss.Multinomial, loss.Top, loss.Random} {
		f := compile(t, draw(loss.NegativesConfig{Count: m, Sampler: sampler}), noise(0, b), noise(0, b), ids(0, 0, 0, 0, 0, 0))
		rapid.Check(t, func(r *rapid.T) {
			values := rapid.SliceOfN(rapid.Float32Range(-1000, 1000), b*b, b*b).Draw(r, "similarity")
			groups := rapid.SliceOfN(rapid.Int64Range(0, 3), b, b).Draw(r, "groups")
			got := f(engine.Floats(values, b, b), noise(rapid.Uint64().Draw(r, "seed"), b), ids(groups...))
			skipped := 0
			for i := range b {
				candidates := 0
				for j := range b {
					if groups[j] != groups[i] {
						candidates++
					}
				}
				if candidates == 0 {
					skipped++
				}
				row, valid := got[0].Ints()[i*(m+1):(i+1)*(m+1)], got[1].Floats()[i*(m+1):(i+1)*(m+1)]
				if row[0] != int64(i) || valid[0] != 1 {
					r.Fatalf("row %d starts with %d", i, row[0])
				}
				seen := map[int64]bool{}
				for k := 1; k <= m; k++ {
					if (valid[k] == 1) != (k <= candidates) {
						r.Fatalf("row %d of %d candidates has valid %v", i, candidates, valid)
					}
					if valid[k] == 1 && (groups[row[k]] == groups[i] || seen[row[k]]) {
						r.Fatalf("row %d chose %v of groups %v", i, row, groups)
					}
					seen[row[k]] = true
				}
			}
			if int(scalar(got[2])) != skipped {
				r.Fatalf("%v skipped, want %d", scalar(got[2]), skipped)
			}
		})
	}
}

func TestPairsAndDeal(t *testing.T) {
	got := run(t, func(in []*Node) []*Node {
		same := loss.SameGroup(in[1], in[1])
		c := loss.NegativesConfig{Count: 2, Sampler: loss.Top}
		judged := loss.Judged{
			ForPictures: loss.HardNegatives(c, loss.Search{Similarity: in[0], Same: same}),
			ForCaptions: loss.HardNegatives(c, loss.Search{Similarity: Transpose(in[0], 0, 1), Same: same}),
		}
		captions, pictures := judged.Pairs()
		// Judge each pair by naming it: 10 times the picture plus the caption.
		name := ConvertDType(Add(MulScalar(pictures, 10), captions), in[0].DType())
		forPictures, forCaptions := judged.Deal(name)
		matrix := judged.ForPictures.Of(in[0])
		return []*Node{captions, pictures, forPictures, forCaptions, judged.ForPictures.Columns, judged.ForCaptions.Columns, matrix}
	}, matrix([]float32{9, 1, 2}, []float32{4, 9, 3}, []float32{6, 5, 9}), ids(0, 1, 2))
	want := []any{
		[]int64{0, 1, 2 /**/, 2, 1, 0, 2, 0, 1 /**/, 0, 0, 1, 1, 2, 2},
		[]int64{0, 1, 2 /**/, 0, 0, 1, 1, 2, 2 /**/, 2, 1, 2, 0, 1, 0},
		[]float32{0, 2, 1, 11, 10, 12, 22, 20, 21},
		[]float32{0, 20, 10, 11, 21, 1, 22, 12, 2},
		[]int64{0, 2, 1, 1, 0, 2, 2, 0, 1},
		[]int64{0, 2, 1, 1, 2, 0, 2, 1, 0},
		[]float32{9, 2, 1, 9, 4, 3, 9, 6, 5},
	}
	for i := range want {
		if diff := cmp.Diff(want[i], got[i].Values); diff != "" {
			t.Errorf("output %d: %s", i, diff)
		}
	}
}

func TestGumbel(t *testing.T) {
	a, b, c := make([]float32, 20000), make([]float32, 20000), make([]float32, 20000)
	loss.Gumbel(1, 2, a)
	loss.Gumbel(1, 2, b[:10])
	loss.Gumbel(1, 3, c)
	if !cmp.Equal(a[:10], b[:10]) || cmp.Equal(a[:10], c[:10]) {
		t.Error("numbers do not depend on seed, step and place alone")
	}
	var sum, squares float64
	for _, v := range a {
		sum += float64(v)
		squares += float64(v) * float64(v)
	}
	mean := sum / float64(len(a))
	variance := squares/float64(len(a)) - mean*mean
	// Euler's constant and pi^2/6; four standard errors are 0.04 and 0.1.
	if math.Abs(mean-0.5772) > 0.04 || math.Abs(variance-math.Pi*math.Pi/6) > 0.1 {
		t.Errorf("mean %v, variance %v", mean, variance)
	}
}
