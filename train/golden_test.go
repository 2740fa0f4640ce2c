package train

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/internal/simd"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
)

// golden is ten steps of torch.optim.AdamW with clipping, in float64, over one tiny
// network and all losses; written by scripts/golden/network_golden.py.
type golden struct {
	config Config
	file   *safetensors.File
}

func readGolden(t *testing.T, kind string) golden {
	t.Helper()
	f, err := safetensors.Open("../network/testdata/golden_" + kind + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	var recipe struct {
		Count   int
		Sampler loss.Sampler
		Match   loss.MatchObjective
		Distill loss.DistillConfig
	}
	c := Config{Loss: loss.Config{Contrast: loss.ContrastConfig{Weight: 1}, Match: loss.MatchConfig{Weight: 1}}, Optimizer: DefaultOptimizer()}
	o := &c.Optimizer
	o.Beta1, o.Beta2, o.Epsilon, o.Clip = 0.9, 0.999, 1e-8, 1
	for key, to := range map[string]any{"config": &c.Network, "distill": &c.Loss.Distill, "recipe": &recipe, "decay": &o.WeightDecay} {
		if err := json.Unmarshal([]byte(f.Metadata()[key]), to); err != nil {
			t.Fatal(err)
		}
	}
	c.Loss.Match.Objective = recipe.Match
	c.Loss.Distill.Objective, c.Loss.Distill.Direction = recipe.Distill.Objective, recipe.Distill.Direction
	c.Negatives = loss.NegativesConfig{Count: recipe.Count, Sampler: recipe.Sampler}
	if c.Network.Text.MaskedModeling {
		c.Loss.MaskedTokens = loss.MaskedTokensConfig{Weight: 0.7, Share: 0.4}
	}
	return golden{c, f}
}

// values of a stored tensor, nil if there is none.
func (g golden) values(t *testing.T, name string) ([]float32, []int) {
	t.Helper()
	stored, ok := g.file.Tensor(name)
	if !ok {
		return nil, nil
	}
	values, err := stored.Float32()
	if err != nil {
		t.Fatal(err)
	}
	return values, stored.Shape
}

func (g golden) whole(t *testing.T, name string) []int64 {
	t.Helper()
	values, _ := g.values(t, name)
	whole := make([]int64, len(values))
	for i, v := range values {
		whole[i] = int64(v)
	}
	return whole
}

// batch is the golden input of a step, with the shape of one picture.
func (g golden) batch(t *testing.T, step int) (b batch, picture []int) {
	t.Helper()
	_, shape := g.values(t, "input/ids")
	b = batch{
		step: int64(step), pairs: shape[0], tokens: shape[1], ids: g.whole(t, "input/ids"),
		picture: g.whole(t, "input/picture_ids"), text: g.whole(t, "input/caption_ids"), key: make([]int64, 3),
	}
	b.pictures, shape = g.values(t, "input/pictures")
	if b.mask, _ = g.values(t, "input/mask"); b.mask == nil {
		for range b.ids {
			b.mask = append(b.mask, 1)
		}
	}
	noise, shapes := g.values(t, "input/noise")
	b.noise = row(noise, int64(step), shapes[0])
	if g.config.Loss.MaskedTokens.Weight > 0 {
		b.masked = g.whole(t, "input/masked_ids")
		hidden, _ := g.values(t, "input/masked")
		b.places, b.hidden = placesOf(hidden, b.pairs, g.config.Loss.MaskedTokens.Most(b.tokens))
	}
	return b, shape[1:]
}

// placesOf lists at most k places in each row of hidden [B,T] that are 1.
func placesOf(hidden []float32, rows, k int) (places []int64, weights []float32) {
	places, weights = make([]int64, rows*k), make([]float32, rows*k)
	for i := range rows {
		count := 0
		for at, v := range row(hidden, int64(i), rows) {
			if v == 1 {
				places[i*k+count], weights[i*k+count] = int64(at), 1
				count++
			}
		}
	}
	return places, weights
}

func TestTenStepsEqualPyTorch(t *testing.T) {
	e, err := engine.Open(os.Getenv("LOOPITR_ENGINE"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, kind := range []string{"pixels", "tokens"} {
		for _, chunk := range []int{0, 3, 2} {
			for _, level := range simd.Available() {
				t.Run(fmt.Sprintf("%s in chunks of %d/%s", kind, chunk, level), func(t *testing.T) {
					defer simd.Use(level)()
					readGolden(t, kind).compare(t, e, chunk)
				})
			}
		}
	}
}

// compare takes the steps with the run's own program.
func (g golden) compare(t *testing.T, e *engine.Engine, chunk int) {
	c := g.config
	b, picture := g.batch(t, 0)
	c.Batch, c.Chunk = b.pairs, chunk
	weights := map[string][]float32{}
	for _, p := range c.Network.Params() {
		weights[p.Name], _ = g.values(t, "weight/"+p.Name)
	}
	tensors, err := c.fresh(weights)
	if err != nil {
		t.Fatal(err)
	}
	state, err := upload(e, append(tensors, c.accumulators()...))
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	s, err := c.newStepper(state, sizes{pairs: b.pairs, tokens: b.tokens, picture: picture})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	rates, _ := g.values(t, "steps/rate")
	losses, _ := g.values(t, "steps/loss")
	norms, _ := g.values(t, "steps/norm")
	for step, rate := range rates {
		b, _ := g.batch(t, step)
		host := c.Optimizer.stepSize(step, float64(rate))
		figures, err := s.step(t.Context(), b, stepSize{rate: host[0], correct1: host[1], correct2: host[2], distill: 0.5, hardness: 1})
		if err != nil {
			t.Fatal(err)
		}
		for name, pair := range map[string][2]float32{"loss": {figures[figureLoss], losses[step]}, "norm": {figures[figureNorm], norms[step]}} {
			if d := math.Abs(float64(pair[0] - pair[1])); !(d <= 1e-4*math.Abs(float64(pair[1]))) {
				t.Errorf("step %d: %s is %v, want %v", step, name, pair[0], pair[1])
			}
		}
	}
	shapes := c.variables()[:len(c.Network.Params())]
	after, err := download(state, shapes)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range after {
		g.compareWeight(t, w, rates)
	}
}

// compareWeight holds a weight to PyTorch's. Key biases shift all scores of a query
// alike, which softmax does not see: their gradient is 0 but for rounding, which
// AdamW blows up to steps of any direction. They are only held to the rates' sum.
func (g golden) compareWeight(t *testing.T, w checkpoint.Tensor, rates []float32) {
	t.Helper()
	want, _ := g.values(t, "after/"+w.Name)
	bound := 2e-5
	if strings.HasSuffix(w.Name, "/key/bias") {
		bound = 1.01 * float64(sum(rates))
	}
	for i, v := range w.Values {
		if d := math.Abs(float64(v - want[i])); !(d <= bound) {
			t.Errorf("%s after ten steps: place %d is %v, want %v", w.Name, i, v, want[i])
			return
		}
	}
	if w.Name == network.TemperatureName && w.Values[0] == network.InitialTemperature {
		t.Error("the temperature did not move")
	}
}
