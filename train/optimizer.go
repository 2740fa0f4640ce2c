package train

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
)

// Optimizer is AdamW (Loshchilov and Hutter 2019) with the schedule of its
// learning rate. Weight decay is decoupled and leaves vectors and scalars alone,
// as ALBEF's optimizer does (docs/paper.md).
type Optimizer struct {
	LearningRate float64  `json:"learning_rate"` // peak, after warm-up
	FinalRate    float64  `json:"final_rate"`    // at the end, as a share of the peak
	WarmUp       int      `json:"warm_up"`       // steps of linear rise from zero
	Schedule     Schedule `json:"schedule"`
	CoolDown     float64  `json:"cool_down"` // share of the run that "constant" falls in
	WeightDecay  float64  `json:"weight_decay"`
	Beta1        float64  `json:"beta1"`
	Beta2        float64  `json:"beta2"`
	Epsilon      float64  `json:"epsilon"`
	Clip         float64  `json:"clip"` // largest global gradient norm; 0 does not clip
	// Rates multiply the learning rate of one part of the network.
	Rates Rates `json:"rates"`
}

// Rates are factors on the learning rate by part of the network, as parameter
// names begin; 1 leaves it alone.
type Rates struct {
	Vision float64 `json:"vision"`
	Text   float64 `json:"text"`
	Cross  float64 `json:"cross"` // with the match head
	Heads  float64 `json:"heads"` // projections and temperature
}

// Schedule is the shape of the learning rate over a run.
type Schedule string

// The schedules. Constant falls linearly over the last CoolDown of the run, so a
// run can be prolonged before that without having been planned longer.
const (
	Cosine   Schedule = "cosine"
	Constant Schedule = "constant"
)

// DefaultOptimizer trains small networks from scratch.
func DefaultOptimizer() Optimizer {
	return Optimizer{
		LearningRate: 5e-4, FinalRate: 0.01, WarmUp: 200, Schedule: Cosine, CoolDown: 0.2,
		WeightDecay: 0.05, Beta1: 0.9, Beta2: 0.98, Epsilon: 1e-8, Clip: 1,
		Rates: Rates{Vision: 1, Text: 1, Cross: 1, Heads: 1},
	}
}

// Validate names the first field that cannot work.
func (o Optimizer) Validate() error {
	checks := []struct {
		field string
		value float64
		ok    bool
	}{
		{"learning_rate", o.LearningRate, o.LearningRate > 0},
		{"final_rate", o.FinalRate, o.FinalRate >= 0 && o.FinalRate <= 1},
		{"warm_up", float64(o.WarmUp), o.WarmUp >= 0},
		{"cool_down", o.CoolDown, o.CoolDown >= 0 && o.CoolDown <= 1},
		{"weight_decay", o.WeightDecay, o.WeightDecay >= 0},
		{"beta1", o.Beta1, o.Beta1 >= 0 && o.Beta1 < 1},
		{"beta2", o.Beta2, o.Beta2 >= 0 && o.Beta2 < 1},
		{"epsilon", o.Epsilon, o.Epsilon > 0},
		{"clip", o.Clip, o.Clip >= 0},
		{"rates.vision", o.Rates.Vision, o.Rates.Vision >= 0},
		{"rates.text", o.Rates.Text, o.Rates.Text >= 0},
		{"rates.cross", o.Rates.Cross, o.Rates.Cross >= 0},
		{"rates.heads", o.Rates.Heads, o.Rates.Heads >= 0},
	}
	for _, c := range checks {
		if !c.ok || math.IsNaN(c.value) || math.IsInf(c.value, 0) {
			return fmt.Errorf("optimizer: %s is %v: %w", c.field, c.value, loopitr.ErrInvalid)
		}
	}
	if o.Schedule != Cosine && o.Schedule != Constant {
		return fmt.Errorf("optimizer: schedule is %q, want %q or %q: %w", o.Schedule, Cosine, Constant, loopitr.ErrInvalid)
	}
	return nil
}

// Rate is the learning rate of a step, counted from zero, when progress (0 to 1)
// of the run is done.
func (o Optimizer) Rate(step int, progress float64) float64 {
	rate := o.LearningRate
	if step < o.WarmUp {
		rate *= float64(step+1) / float64(o.WarmUp)
	}
	progress = min(max(progress, 0), 1)
	fall := 1.0
	switch {
	case o.Schedule == Cosine:
		fall = (1 + math.Cos(math.Pi*progress)) / 2
	case progress > 1-o.CoolDown:
		fall = (1 - progress) / o.CoolDown
	}
	return rate * (o.FinalRate + (1-o.FinalRate)*fall)
}

// stepSize holds what an AdamW step needs from the host, as float32 scalars:
// powers of the betas are taken in float64, where ten thousand steps lose nothing.
func (o Optimizer) stepSize(step int, rate float64) []float32 {
	correct1 := 1 - math.Pow(o.Beta1, float64(step+1))
	correct2 := 1 - math.Pow(o.Beta2, float64(step+1))
	return []float32{float32(rate), float32(1 / correct1), float32(1 / math.Sqrt(correct2))}
}

// moments are a parameter's value with AdamW's two running means.
type moments struct{ value, first, second *graph.Node }

// adamW returns the moments after one step with gradient g. size holds what
// stepSize returns, factor multiplies the learning rate.
func (o Optimizer) adamW(p moments, g *graph.Node, size []*graph.Node, factor float64) moments {
	rate := graph.MulScalar(size[0], factor)
	first := graph.Add(graph.MulScalar(p.first, o.Beta1), graph.MulScalar(g, 1-o.Beta1))
	second := graph.Add(graph.MulScalar(p.second, o.Beta2), graph.MulScalar(graph.Square(g), 1-o.Beta2))
	value := p.value
	if o.WeightDecay > 0 && value.Rank() > 1 {
		value = graph.Sub(value, graph.Mul(graph.MulScalar(rate, o.WeightDecay), value))
	}
	root := graph.AddScalar(graph.Mul(graph.Sqrt(second), size[2]), o.Epsilon)
	move := graph.Div(graph.Mul(first, graph.Mul(rate, size[1])), root)
	return moments{graph.Sub(value, move), first, second}
}

// clip scales gradients so that their global norm is at most o.Clip, as
// torch.nn.utils.clip_grad_norm_ does, and returns the norm before.
func (o Optimizer) clip(gradients []*graph.Node) (clipped []*graph.Node, norm *graph.Node) {
	var sum *graph.Node
	for _, g := range gradients {
		square := graph.ReduceAllSum(graph.Square(g))
		if sum == nil {
			sum = square
		} else {
			sum = graph.Add(sum, square)
		}
	}
	norm = graph.Sqrt(sum)
	if o.Clip == 0 {
		return gradients, norm
	}
	// 1e-6 as PyTorch, so that golden steps agree.
	scale := graph.MinScalar(graph.MulScalar(graph.Reciprocal(graph.AddScalar(norm, 1e-6)), o.Clip), 1.0)
	for _, g := range gradients {
		clipped = append(clipped, graph.Mul(g, scale))
	}
	return clipped, norm
}
