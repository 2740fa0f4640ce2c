package train_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/train"
)

// While the dual encoder learns alone, the judge's weights, moments and average stay
// as they were; then they learn as well.
func TestAloneLeavesTheJudgeAlone(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	o := train.Options{Config: tiny(3), Train: set, Engine: e}
	o.Config.Network.Text.MaskedModeling, o.Config.Loss.MaskedTokens = true, loss.MaskedTokensConfig{Weight: 0.7, Share: 0.4}
	for steps, learns := range map[int]bool{3: false, 4: true} {
		o.Config.Alone, o.Config.Steps, o.Dir = 0.74, steps, t.TempDir() // all of three steps, three of four
		after := trained(t, o)
		card(t, o.Dir, "None measured")
		run, _, err := train.Stored(o.Dir) // its vocabulary is as large as the captions made it
		if err != nil {
			t.Fatal(err)
		}
		initial := network.Initial(run.Network, run.Seed)
		for name, values := range after {
			part, _, _ := strings.Cut(name, "/")
			judge := slices.Contains([]string{"cross", "match", "mlm"}, part)
			if judge && !learns && !slices.Equal(values.Values, initial[name]) {
				t.Errorf("%d steps: %s changed", steps, name)
			}
		}
		if slices.Equal(after["cross/block_00/mlp/up/weight"].Values, initial["cross/block_00/mlp/up/weight"]) == learns {
			t.Errorf("%d steps: the cross encoder learns: %t", steps, !learns)
		}
		if slices.Equal(after["vision/patch/weight"].Values, initial["vision/patch/weight"]) {
			t.Errorf("%d steps: the vision tower learned nothing", steps)
		}
		measures, err := train.ReadMetrics(filepath.Join(o.Dir, "run"))
		if err != nil {
			t.Fatal(err)
		}
		last := measures[len(measures)-1].Train
		if (last.Parts["match"] != 0) != learns || last.Parts["contrast"] == 0 {
			t.Errorf("%d steps: parts %v", steps, last.Parts)
		}
	}
}
