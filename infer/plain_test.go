package infer_test

import (
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
)

// No product of what a model is asked for is left to the engine's plain loop: the
// engine refuses to compile one. Package network compiles the re-ranking of Base.
func TestModelsHaveNoPlainProduct(t *testing.T) {
	for name, change := range map[string]func(*network.Config){
		"first":  func(*network.Config) {},
		"mean":   func(c *network.Config) { c.Cross.Pool = network.PoolMean },
		"ids":    func(c *network.Config) { c.Cross.From, c.Cross.Layers = network.FromIDs, c.Text.Layers },
		"stem":   func(c *network.Config) { c.Vision.Stem = network.StemConv },
		"hidden": func(c *network.Config) { c.Cross.Match = network.MatchConfig{Hidden: 24, LayerNormEpsilon: 1e-5} },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, network.PoolFirst)
			change(&f.config.Network)
			f.weights = network.Initial(f.config.Network, 7)
			e, err := engine.Open("cpu:plain=refuse")
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			f.engine = e
			m := f.model(t)
			defer m.Close()
			for _, count := range []int{1, 4, 5} { // rows 1, 4 and 16
				images, texts := encodeImages(t, m, f.pictures(count)...), encodeTexts(t, m, captions[:count]...)
				var query, each []loopitr.Pair
				for i := range images {
					query = append(query, loopitr.Pair{Text: texts[0].States, Image: images[i].States})
					each = append(each, loopitr.Pair{Text: texts[i].States, Image: images[i].States})
				}
				for _, pairs := range [][]loopitr.Pair{query, each, append(query, each...)} {
					if _, err := m.Match(t.Context(), pairs); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}
