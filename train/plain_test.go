package train_test

import (
	"testing"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/train"
)

// No product of a step is left to the engine's plain loop, a thousand times slower
// than its kernels: the engine refuses to compile one.
func TestStepsHaveNoPlainProduct(t *testing.T) {
	e, err := engine.Open("cpu:plain=refuse")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	masked := func(c *train.Config) { c.Loss.MaskedTokens.Weight, c.Network.Text.MaskedModeling = 1, true }
	for name, change := range map[string]func(*train.Config){
		"whole":         func(*train.Config) {},
		"masked tokens": masked,
		"dropout":       func(c *train.Config) { c.Network.Dropout = 0.1 },
		"alone":         func(c *train.Config) { c.Loss.Match.Weight, c.Loss.Distill.Weight = 0, 0 },
		"rematerialized": func(c *train.Config) {
			c.Rematerialize = true
			masked(c)
		},
		"chunks": func(c *train.Config) {
			c.Chunk = 2
			masked(c)
		},
		"patches": func(c *train.Config) { c.Patches = train.Patches{Drop: 0.5, Steps: 10} },
		"patches in chunks": func(c *train.Config) {
			c.Patches, c.Chunk = train.Patches{Drop: 0.5, Steps: 10}, 3
			masked(c)
		},
		"frozen vision":          func(c *train.Config) { c.Freeze = []string{"vision"} },
		"frozen text and cross":  func(c *train.Config) { c.Freeze = []string{"text", "cross"} },
		"frozen vision, chunked": func(c *train.Config) { c.Freeze, c.Chunk = []string{"vision"}, 2 },
		"foreign tokens":         func(c *train.Config) { c.Network = c.Network.WithTokens(3, 5) },
		"stem of convolutions":   func(c *train.Config) { c.Network.Vision.Stem = network.StemConv },
		"from ids": func(c *train.Config) {
			c.Network.Cross.From, c.Network.Cross.Layers = network.FromIDs, c.Network.Text.Layers
			masked(c)
		},
		"head with a hidden layer": func(c *train.Config) {
			c.Network.Cross.Match = network.MatchConfig{Hidden: 24, LayerNormEpsilon: 1e-5}
		},
		"unlike widths": func(c *train.Config) {
			c.Network.Text.Width, c.Network.Text.Heads, c.Network.Text.Hidden = 24, 3, 40
		},
		"one head": func(c *train.Config) { c.Network.Text.Heads, c.Network.Vision.Heads = 1, 1 },
		"mean pool, three negatives, the teacher learns": func(c *train.Config) {
			c.Network.Cross.Pool, c.Network.Cross.Layers, c.Negatives.Count = network.PoolMean, 2, 3
			c.Loss.Distill.Direction, c.Loss.Distill.TeacherGradient, c.Loss.Distill.Rows = loss.BothDirections, true, loss.EveryRow
		},
	} {
		c := train.Default(network.Nano())
		c.Batch, c.Steps = 6, 1
		change(&c)
		d, err := train.NewDrill(e, c, 8)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
