package network_test

import (
	"math"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
)

// adamW is one step of torch.optim.AdamW with its default betas and epsilon, and
// no decay on vectors and scalars.
func adamW(w, m, v, g *Node, rate, step *Node, decay float64) (newW, newM, newV *Node) {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	if w.Rank() >= 2 {
		w = Mul(w, OneMinus(MulScalar(rate, decay)))
	}
	newM = Add(MulScalar(m, beta1), MulScalar(g, 1-beta1))
	newV = Add(MulScalar(v, beta2), MulScalar(Square(g), 1-beta2))
	correct := func(beta float64) *Node { return OneMinus(Exp(MulScalar(step, math.Log(beta)))) }
	root := AddScalar(Sqrt(Div(newV, correct(beta2))), epsilon)
	return Sub(w, Mul(rate, Div(Div(newM, correct(beta1)), root))), newM, newV
}

// compileSteps is a whole training step: every loss, gradients clipped to a
// global norm of 1, AdamW, the temperature bounded.
func (g *golden) compileSteps(t *testing.T, s *engine.State) *engine.Program {
	t.Helper()
	specs, _ := g.inputs()
	count := len(specs)
	params := g.params()
	var replaced []string
	for _, p := range params {
		replaced = append(replaced, p, "first/"+p, "second/"+p)
	}
	build := func(v map[string]*Node, in []*Node) (map[string]*Node, []*Node) {
		b := g.batch(v, in[:count])
		total := b.total()
		var weights []*Node
		for _, p := range params {
			weights = append(weights, v[p])
		}
		gradients := Gradient(total, weights...)
		squares := ScalarZero(total.Graph(), total.DType())
		for _, gradient := range gradients {
			squares = Add(squares, ReduceAllSum(Square(gradient)))
		}
		norm := Sqrt(squares)
		scale := MinScalar(Inverse(AddScalar(norm, 1e-6)), 1) // torch.nn.utils.clip_grad_norm_
		next := map[string]*Node{}
		for i, p := range params {
			w, m, n := adamW(v[p], v["first/"+p], v["second/"+p], Mul(gradients[i], scale), in[count], in[count+1], g.decay)
			if p == network.TemperatureName {
				w = network.ClampTemperature(w)
			}
			next[p], next["first/"+p], next["second/"+p] = w, m, n
		}
		return next, append([]*Node{total, norm}, gradients...)
	}
	p, err := s.Compile(engine.Step{
		Name: "golden step", Replaces: replaced,
		Inputs: append(specs, engine.FloatInput("rate"), engine.FloatInput("step")), Build: build,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTenStepsEqualPyTorch(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden, e *engine.Engine) {
		var moments []engine.Variable
		for _, p := range g.config.Params() {
			for _, kind := range []string{"first/", "second/"} {
				moments = append(moments, engine.Variable{Name: kind + p.Name, Value: engine.Floats(make([]float32, p.Size()), p.Shape...)})
			}
		}
		s := g.state(t, e, moments...)
		p := g.compileSteps(t, s)
		_, values := g.inputs()
		rates := g.tensors["steps/rate"].Floats()
		for step, rate := range rates {
			values[len(values)-1] = g.noise(step)
			got, err := p.Run(t.Context(), append(values, engine.Scalar(rate), engine.Scalar(float32(step+1)))...)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, "loss", got[0].Floats(), g.tensors["steps/loss"].Floats()[step:step+1], 1e-4)
			agree(t, "gradient norm", got[1].Floats(), g.tensors["steps/norm"].Floats()[step:step+1], 1e-3)
			if step == 0 {
				g.compareGradients(t, got[2:])
			}
		}
		g.compareWeights(t, s)
	})
}

// compareGradients holds each gradient to its own size and to the longest one's.
func (g *golden) compareGradients(t *testing.T, got []engine.Tensor) {
	t.Helper()
	var longest float64
	for _, name := range g.params() {
		longest = max(longest, digest(g.tensors["gradient/"+name].Floats())[0])
	}
	for i, name := range g.params() {
		want := g.tensors["gradient/"+name].Floats()
		for k, v := range got[i].Floats() {
			if d := math.Abs(float64(v - want[k])); !(d <= 1e-4*math.Abs(float64(want[k]))+2e-6*longest) {
				t.Errorf("gradient of %s: place %d is %v, want %v", name, k, v, want[k])
				break
			}
		}
	}
}

// compareWeights compares weights after the steps. Key biases shift all scores of
// a query alike, which softmax does not see: their gradient is 0 but for rounding,
// which AdamW blows up to steps of any direction. They are only held to the sum
// of the steps' rates.
func (g *golden) compareWeights(t *testing.T, s *engine.State) {
	t.Helper()
	var most float64
	for _, r := range g.tensors["steps/rate"].Floats() {
		most += float64(r)
	}
	for _, name := range g.params() {
		read, err := s.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		got, want := read[0].Floats(), g.tensors["after/"+name].Floats()
		for i := range got {
			bound := 2e-5
			if strings.HasSuffix(name, "/key/bias") {
				bound = 1.01 * most
			}
			if d := math.Abs(float64(got[i] - want[i])); !(d <= bound) {
				t.Errorf("%s after ten steps: place %d is %v, want %v", name, i, got[i], want[i])
				break
			}
		}
	}
}
