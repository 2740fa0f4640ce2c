package train_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/train"
)

// tiny is a network smaller than nano, for tests that compile many steps.
func tiny(steps int) train.Config {
	c := nano(steps)
	v, t := &c.Network.Vision, &c.Network.Text
	v.ImageSize, v.PatchSize, v.Width, v.Heads, v.Layers, v.Hidden = 16, 8, 32, 2, 1, 48
	t.Width, t.Heads, t.Hidden = 24, 2, 32
	c.Network.Projection = 16
	c.Pixels = pixels.CLIP(16)
	c.Loss.Distill.WarmupSteps = 0
	return c
}

// trained runs a recipe and returns the state it ends in, by name.
func trained(t *testing.T, o train.Options) map[string]checkpoint.Tensor {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	state := map[string]checkpoint.Tensor{}
	for _, w := range weights(t, o.Dir) {
		state[w.Name] = w
	}
	return state
}

// agree holds moments of two runs together, and weights five times less tightly. AdamW turns rounding into
// whole steps where a gradient is 0 but for rounding: key biases, which softmax
// does not see, are left out, and so are weights whose second moment is that small.
func agree(t *testing.T, want, got map[string]checkpoint.Tensor, most float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d tensors, want %d", len(got), len(want))
	}
	for name, w := range want {
		if strings.HasSuffix(name, "/key/bias") {
			continue
		}
		var largest float64
		for _, v := range w.Values {
			largest = max(largest, math.Abs(float64(v)))
		}
		var second []float32
		allowed := most
		if base := strings.TrimPrefix(name, "average/"); !strings.HasPrefix(name, "first/") && !strings.HasPrefix(name, "second/") {
			second, allowed = want["second/"+base].Values, 5*most
		}
		for i, v := range w.Values {
			if second != nil && second[i] < 1e-13 {
				continue
			}
			if d := math.Abs(float64(v) - float64(got[name].Values[i])); !(d <= allowed*(largest+1e-6)) {
				t.Errorf("%s: place %d is %v, want %v (largest %v)", name, i, got[name].Values[i], v, largest)
				break
			}
		}
	}
}

func TestChunksGiveTheStepOfTheWholeBatch(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	for name, change := range map[string]func(*train.Config){
		"one negative": func(c *train.Config) {},
		"three negatives, masked tokens": func(c *train.Config) {
			c.Negatives.Count = 3
			c.Network.Text.MaskedModeling, c.Loss.MaskedTokens = true, loss.MaskedTokensConfig{Weight: 0.7, Share: 0.4}
		},
		"mean pool, the teacher learns, average": func(c *train.Config) {
			c.Network.Cross.Pool = network.PoolMean
			c.Loss.Distill.Direction, c.Loss.Distill.TeacherGradient, c.Loss.Distill.Rows = loss.BothDirections, true, loss.EveryRow
			c.Average = 0.9
		},
		"some patches": func(c *train.Config) {
			c.Patches = train.Patches{Drop: 0.3, Steps: 3}
			c.Network.Text.MaskedModeling, c.Loss.MaskedTokens = true, loss.MaskedTokensConfig{Weight: 0.7, Share: 0.4}
		},
		"alone, then the loop": func(c *train.Config) {
			c.Alone, c.Steps = 0.5, 4
			c.Network.Text.MaskedModeling, c.Loss.MaskedTokens = true, loss.MaskedTokensConfig{Weight: 0.7, Share: 0.4}
		},
		"masked tokens without judgement": func(c *train.Config) {
			c.Loss.Match.Weight, c.Loss.Distill.Weight = 0, 0
			c.Network.Text.MaskedModeling, c.Loss.MaskedTokens = true, loss.MaskedTokensConfig{Weight: 0.7, Share: 0.4}
		},
		"frozen text": func(c *train.Config) { c.Freeze = []string{"text"} },
	} {
		t.Run(name, func(t *testing.T) {
			o := train.Options{Config: tiny(4), Train: set, Engine: e}
			change(&o.Config)
			o.Dir = t.TempDir()
			want, measured := trained(t, o), lastStep(t, o.Dir)
			for _, chunk := range []int{4, 2} {
				o.Config.Chunk, o.Dir = chunk, t.TempDir()
				agree(t, want, trained(t, o), 1e-4)
				if diff := cmp.Diff(measured, lastStep(t, o.Dir), cmpopts.EquateApprox(1e-4, 1e-6)); diff != "" {
					t.Errorf("measures differ: %s", diff)
				}
			}
		})
	}
}

// lastStep is the last measure of a run's steps, without its speed.
func lastStep(t *testing.T, dir string) train.StepMeasure {
	t.Helper()
	measures, err := train.ReadMetrics(filepath.Join(dir, "run"))
	if err != nil || len(measures) == 0 {
		t.Fatalf("%d measures: %v", len(measures), err)
	}
	m := *measures[len(measures)-1].Train
	m.PairsPerSecond = 0
	return m
}

func TestRematerializedStepsAreTheSame(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	o := train.Options{Config: tiny(3), Train: set, Engine: e}
	o.Config.Network.Vision.Layers, o.Config.Network.Text.Layers, o.Config.Network.Cross.Layers = 2, 2, 2
	want := trained(t, o)
	for _, chunk := range []int{0, 4} {
		o.Config.Rematerialize, o.Config.Chunk = true, chunk
		agree(t, want, trained(t, o), 1e-4)
	}
	o.Config.Network.Dropout = 0.2
	o.Config.Rematerialize, o.Config.Chunk = false, 0
	want = trained(t, o)
	o.Config.Rematerialize = true
	agree(t, want, trained(t, o), 1e-4)
}
