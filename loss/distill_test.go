package loss_test

import (
	"fmt"
	"math"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
)

var objectives = []loss.Objective{loss.Listwise, loss.Pointwise, loss.Margin, loss.Rank, loss.None}
var directions = []loss.Direction{loss.CrossToDual, loss.DualToCross, loss.BothDirections}

// distill takes s, z and valid of one side and uses it for both.
func distill(c loss.DistillConfig) build {
	return func(in []*Node) []*Node {
		side := loss.Side{Dual: in[0], Cross: in[1], Valid: in[2]}
		return []*Node{loss.Distill(c, side, side)}
	}
}

func config(o loss.Objective, d loss.Direction) loss.DistillConfig {
	c := loss.Default().Distill
	c.Objective, c.Direction, c.Rows = o, d, loss.EveryRow
	return c
}

func TestDistillByHand(t *testing.T) {
	ln := func(x float64) float32 { return float32(math.Log(x)) }
	// Two rows; the second has no negatives and never counts.
	rows := func(x ...float32) engine.Tensor { return matrix(x, []float32{4, 99, -99}[:len(x)]) }
	alone := []float32{1, 0, 0}
	two, three := matrix([]float32{1, 1}, alone[:2]), matrix([]float32{1, 1, 1}, alone)
	missing := matrix([]float32{1, 1, 0}, alone)
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	better := config(loss.Listwise, loss.CrossToDual)
	better.Rows = loss.BetterRow
	for name, test := range map[string]struct {
		config      loss.DistillConfig
		s, z, valid engine.Tensor
		want        float64
	}{
		"listwise, agreed": {config(loss.Listwise, loss.CrossToDual), rows(3, 1), rows(5, 3), two, 0},
		// Teacher (1/2,1/2), student (1/4,3/4).
		"listwise":           {config(loss.Listwise, loss.CrossToDual), rows(0, ln(3)), rows(7, 7), two, math.Log(2)/2 + math.Log(2.0/3)/2},
		"listwise, reversed": {config(loss.Listwise, loss.DualToCross), rows(7, 7), rows(0, ln(3)), two, math.Log(2)/2 + math.Log(2.0/3)/2},
		"listwise, missing":  {config(loss.Listwise, loss.CrossToDual), rows(0, ln(3), 50), rows(7, 7, 99), missing, math.Log(2)/2 + math.Log(2.0/3)/2},
		"listwise, cooler":   {loss.DistillConfig{Objective: loss.Listwise, Temperature: 2}, rows(0, 0), rows(2*ln(3), 0), two, .75*math.Log(1.5) + .25*math.Log(.5)},
		// The teacher gives the positive 1/2, the student 1/4: it is taught; 3/4: it is not.
		"listwise, better":    {better, rows(0, ln(3)), rows(7, 7), two, math.Log(2)/2 + math.Log(2.0/3)/2},
		"listwise, worse":     {better, rows(ln(3), 0), rows(7, 7), two, 0},
		"listwise, far apart": {config(loss.Listwise, loss.CrossToDual), rows(0, 200), rows(200, 0), two, 200},
		"pointwise":           {config(loss.Pointwise, loss.CrossToDual), rows(1, -2), rows(0, 3), two, (softplus(1) - 0.5*1 + softplus(-2) + 2*sigmoid(3)) / 2},
		"pointwise, shifted": {loss.DistillConfig{Objective: loss.Pointwise, Temperature: 1, Scale: 2, Bias: -1}, rows(1, -2), rows(0, 3), two,
			(softplus(1) - 0.5*1 + softplus(-5) + 5*sigmoid(3)) / 2},
		"pointwise, reversed": {config(loss.Pointwise, loss.DualToCross), rows(0, 3), rows(1, -2), two, (softplus(1) - 0.5*1 + softplus(-2) + 2*sigmoid(3)) / 2},
		"margin":              {config(loss.Margin, loss.CrossToDual), rows(3, 1, 0), rows(2, 1.5, 4), three, ((2-0.5)*(2-0.5) + (3+2)*(3+2)) / 2},
		"margin, missing":     {config(loss.Margin, loss.CrossToDual), rows(3, 1, 0), rows(2, 1.5, 4), missing, (2 - 0.5) * (2 - 0.5)},
		"margin, both":        {config(loss.Margin, loss.BothDirections), rows(3, 1, 0), rows(2, 1.5, 4), missing, (2 - 0.5) * (2 - 0.5)},
		// Order: positive, then candidate 2 (z 4) before 1 (z 1.5).
		"rank":          {config(loss.Rank, loss.CrossToDual), rows(0, ln(2), ln(3)), rows(2, 1.5, 4), three, (math.Log(6) + math.Log(5.0/3)) / 2},
		"rank, turned":  {config(loss.Rank, loss.CrossToDual), rows(0, ln(2), ln(3)), rows(2, 4, 1.5), three, (math.Log(6) + math.Log(5.0/2)) / 2},
		"rank, tied":    {config(loss.Rank, loss.CrossToDual), rows(0, ln(2), ln(3)), rows(2, 1, 1), three, (math.Log(6) + math.Log(5.0/2)) / 2},
		"rank, missing": {config(loss.Rank, loss.CrossToDual), rows(0, ln(2), ln(3)), rows(2, 1, 7), missing, math.Log(3)},
		"rank, m=1":     {config(loss.Rank, loss.CrossToDual), rows(0, ln(2)), rows(2, 4), two, math.Log(3)},
		"none":          {config(loss.None, loss.CrossToDual), rows(0, 5), rows(5, 0), two, 0},
		"both":          {config(loss.Listwise, loss.BothDirections), rows(0, ln(3)), rows(7, 7), two, (math.Log(2)/2 + math.Log(2.0/3)/2 + math.Log(.5)/4 + 3*math.Log(1.5)/4) / 2},
	} {
		got := run(t, distill(test.config), test.s, test.z, test.valid)
		if diff := cmp.Diff(test.want, scalar(got[0]), near); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTeacherIsStopped(t *testing.T) {
	s := matrix([]float32{1, 0.5, -1}, []float32{0, 1, 2})
	z := matrix([]float32{0, 2, -1}, []float32{0.5, -1, 1})
	valid := matrix([]float32{1, 1, 1}, []float32{1, 1, 1})
	for _, o := range objectives[:4] {
		for _, d := range directions {
			for _, taught := range []bool{false, true} {
				c := config(o, d)
				c.TeacherGradient = taught
				got := run(t, func(in []*Node) []*Node {
					v := distill(c)(in)[0]
					return Gradient(v, in[0], in[1])
				}, s, z, valid)
				moved := func(x engine.Tensor) bool { return !cmp.Equal(x.Floats(), make([]float32, 6)) }
				// The order of rank has no gradient to give.
				wantDual := d != loss.DualToCross || taught && o != loss.Rank
				wantCross := d != loss.CrossToDual || taught && o != loss.Rank
				if moved(got[0]) != wantDual || moved(got[1]) != wantCross {
					t.Errorf("%s %s, teacher gradient %v: dual moved %v, cross moved %v", o, d, taught, moved(got[0]), moved(got[1]))
				}
			}
		}
	}
}

func TestDistillGradients(t *testing.T) {
	s := matrix([]float32{0, 0, 1.5}, []float32{-1, 0.5, 9}, []float32{2, 9, 9})
	z := matrix([]float32{0, 0.5, -1}, []float32{1, -1, 9}, []float32{2, -9, 9})
	valid := matrix([]float32{1, 1, 1}, []float32{1, 1, 0}, []float32{1, 0, 0})
	for _, o := range objectives[:4] {
		for _, d := range directions {
			t.Run(fmt.Sprint(o, " ", d), func(t *testing.T) {
				// Differences see through the teacher, so it is not stopped here.
				c := config(o, d)
				c.TeacherGradient, c.Temperature, c.Scale, c.Bias = true, 1.5, 0.7, -0.3
				if o == loss.Rank && d != loss.CrossToDual {
					t.Skip("the order jumps where teachers tie")
				}
				checkGradient(t, distill(c), s, z, valid)
			})
		}
	}
}

func TestOnlyBetterTeachersTeach(t *testing.T) {
	// Softmax of the positive: teacher 1/2, 1/4, 1/2; student 1/4, 1/2, 1/2.
	third := float32(math.Log(3))
	s := matrix([]float32{0, third}, []float32{0, 0}, []float32{5, 5})
	z := matrix([]float32{0, 0}, []float32{0, third}, []float32{-2, -2})
	valid := matrix([]float32{1, 1}, []float32{1, 1}, []float32{1, 1})
	taught := math.Log(2)/2 + math.Log(2.0/3)/2 // KL of (1/2,1/2) from (1/4,3/4)
	untaught := math.Log(.5)/4 + 3*math.Log(1.5)/4
	for rows, want := range map[loss.Rows]float64{loss.EveryRow: (taught + untaught) / 3, loss.BetterRow: taught / 3} {
		c := config(loss.Listwise, loss.CrossToDual)
		c.Rows = rows
		if got := scalar(run(t, distill(c), s, z, valid)[0]); math.Abs(got-want) > 2e-6 {
			t.Errorf("%s: got %v, want %v", rows, got, want)
		}
	}
}

// Turning the negatives of a row around changes nothing.
func TestDistillIgnoresTheOrderOfNegatives(t *testing.T) {
	s := matrix([]float32{1, 0.5, -1, 2}, []float32{0, 1, 2, 3})
	z := matrix([]float32{0, 2, -1, 1}, []float32{0.5, -1, 1, 7})
	valid := matrix([]float32{1, 1, 1, 1}, []float32{1, 1, 1, 0})
	turn := func(x *Node) *Node {
		k := func(i int) *Node { return Slice(x, AxisRange(), AxisRange(i, i+1)) }
		return Concatenate([]*Node{k(0), k(3), k(1), k(2)}, 1)
	}
	for _, o := range objectives {
		for _, d := range directions {
			got := run(t, func(in []*Node) []*Node {
				plain := distill(config(o, d))(in)[0]
				turned := distill(config(o, d))([]*Node{turn(in[0]), turn(in[1]), turn(in[2])})[0]
				return []*Node{plain, turned}
			}, s, z, valid)
			if diff := cmp.Diff(scalar(got[0]), scalar(got[1]), near); diff != "" {
				t.Errorf("%s %s: %s", o, d, diff)
			}
		}
	}
}

// A whole step from similarities to the total, in batches that leave rows with
// few or no candidates: nothing is NaN, nor is any gradient.
func TestNothingIsNaN(t *testing.T) {
	cruel := matrix([]float32{1e4, -1e4, 0}, []float32{0, 0, 0}, []float32{-1e4, 1e4, 1e4})
	for _, o := range objectives {
		for _, d := range directions {
			c := loss.Default()
			c.Distill = config(o, d)
			c.Match.Objective = loss.BinaryListwise
			c.Distill.TeacherGradient = true
			f := compile(t, step(c, loss.NegativesConfig{Count: 2, Sampler: loss.Multinomial}), cruel, noise(1, 3), ids(1, 1, 1))
			for _, groups := range [][]int64{{1, 1, 1}, {1, 1, 2}, {1, 2, 3}} {
				for name, s := range map[string]engine.Tensor{"cruel": cruel, "zero": engine.Floats(make([]float32, 9), 3, 3)} {
					finite(t, fmt.Sprint(o, " ", d, " ", groups, " ", name), f(s, noise(1, 3), ids(groups...))...)
				}
			}
		}
	}
}

// step is every loss over a batch whose match log-odds are minus the similarities.
func step(c loss.Config, n loss.NegativesConfig) build {
	return func(in []*Node) []*Node {
		s, same := in[0], loss.SameGroup(in[2], in[2])
		t := Transpose(s, 0, 1)
		judged := loss.Judged{
			ForPictures: loss.HardNegatives(n, loss.Search{Similarity: s, Noise: in[1], Same: same}),
			ForCaptions: loss.HardNegatives(n, loss.Search{Similarity: t, Noise: in[1], Same: same}),
		}
		captions, pictures := judged.Pairs()
		z := Neg(Gather(s, Stack([]*Node{pictures, captions}, -1)))
		forPictures, forCaptions := judged.Deal(z)
		p := loss.Side{Dual: judged.ForPictures.Of(s), Cross: forPictures, Valid: judged.ForPictures.Valid}
		q := loss.Side{Dual: judged.ForCaptions.Of(t), Cross: forCaptions, Valid: judged.ForCaptions.Valid}
		parts := []*Node{loss.Contrast(s, same).Loss, loss.Match(c.Match, p, q), loss.Distill(c.Distill, p, q)}
		total := Add(Add(parts[0], parts[1]), parts[2])
		return append(parts, total, Gradient(total, s)[0])
	}
}
