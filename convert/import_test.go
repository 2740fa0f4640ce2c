package convert_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/convert"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// What belongs to a source comes with it: docs/paper.md of the originals' rules.
func TestScoreRulesComeWithTheImport(t *testing.T) {
	xvlm := wordpiece.ALBEF()
	xvlm.MaxTokens = 40
	albef24 := wordpiece.ALBEF()
	albef24.MaxTokens = 24 // the network has no more positions
	for name, want := range map[string]struct {
		weight        float32
		rules         wordpiece.Rules
		vision, text  float64
		first         int
		store         safetensors.DType
		noTypes, from bool
	}{
		"albef_finetuned":  {0, wordpiece.ALBEF(), 1e-6, 1e-12, 0, safetensors.F32, false, false},
		"albef_pretrained": {0, albef24, 1e-6, 1e-12, 0, safetensors.F16, false, false},
		"xvlm":             {0, xvlm, 1e-6, 1e-12, 0, safetensors.F32, false, false},
		"blip_original":    {2 * 0.041, wordpiece.BLIP(), 1e-6, 1e-12, 52, safetensors.F32, true, true},
		"blip_hf_base":     {2 * network.InitialTemperature, wordpiece.BLIP(), 1e-5, 1e-12, 0, safetensors.F32, true, true},
		"blip_hf_large":    {2 * network.InitialTemperature, wordpiece.BLIP(), 1e-6, 1e-12, 0, safetensors.BF16, true, true},
	} {
		g := readGolden(t, name)
		_, r := g.importTo(t, g.config())
		m := r.Model
		if m.ScoreWeight != want.weight {
			t.Errorf("%s: score weight %v, want %v", name, m.ScoreWeight, want.weight)
		}
		if diff := cmp.Diff(want.rules, m.Captions); diff != "" {
			t.Errorf("%s: caption rules (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(pixels.CLIP(m.Network.Vision.ImageSize), m.Pixels); diff != "" {
			t.Errorf("%s: pixels (-want +got):\n%s", name, diff)
		}
		if v, x := m.Network.Vision.LayerNormEpsilon, m.Network.Text.LayerNormEpsilon; v != want.vision || x != want.text {
			t.Errorf("%s: epsilons %v and %v, want %v and %v", name, v, x, want.vision, want.text)
		}
		if got := m.Network.Cross.FirstToken; got != want.first {
			t.Errorf("%s: first token %d, want %d", name, got, want.first)
		}
		if got := m.Network.Cross.From == network.FromIDs; got != want.from || m.Network.Text.NoTypes != want.noTypes {
			t.Errorf("%s: cross %+v, no types %v", name, m.Network.Cross, m.Network.Text.NoTypes)
		}
		if r.Store != want.store {
			t.Errorf("%s: stored as %s, want %s", name, r.Store, want.store)
		}
	}
}

func TestEveryChoiceChangesTheImport(t *testing.T) {
	g := readGolden(t, "blip_hf_base")
	c := g.config()
	c.First, c.Store, c.TextHeads = convert.FirstEncode, safetensors.F16, 4
	_, r := g.importTo(t, c)
	if r.Model.Network.Cross.FirstToken != 52 || r.Store != safetensors.F16 || r.Model.Network.Text.Heads != 4 {
		t.Errorf("%+v stored as %s", r.Model.Network, r.Store)
	}
	if r.Model.Network.Vision.Heads != 4 { // config.json's, not 64 wide ones
		t.Errorf("%d vision heads", r.Model.Network.Vision.Heads)
	}
}

func TestTowersAreDividedAndTheRestIsDrawn(t *testing.T) {
	g := readGolden(t, "bert_safetensors") // of three layers
	around := convert.Around{Network: network.Nano(), Seed: 7}
	dir, r := g.importTo(t, convert.Config{Around: around})
	n := r.Model.Network
	if n.Text.Layers != 2 || n.Cross.Layers != 1 || n.Text.Heads != 4 {
		t.Fatalf("%+v and %+v", n.Text, n.Cross)
	}
	for _, name := range []string{"vision/patch/weight", "cross/block_00/cross_attention/query/weight", "match/weight", "temperature"} {
		if !slices.Contains(r.Fresh, name) {
			t.Errorf("%s is not fresh", name)
		}
	}
	if slices.ContainsFunc(r.Fresh, func(s string) bool {
		return strings.HasPrefix(s, "text/") || strings.HasPrefix(s, "cross/block_00/attention/")
	}) {
		t.Errorf("the tower's own are fresh: %v", r.Fresh)
	}
	fresh := network.Initial(n, 7)
	for _, w := range loadWeights(t, dir, n) {
		if drawn := slices.Equal(w.Values, fresh[w.Name]); drawn != slices.Contains(r.Fresh, w.Name) {
			t.Errorf("%s: drawn %v", w.Name, drawn)
		}
	}

	// Fewer layers leave the last out, more are drawn.
	around.TextLayers, around.CrossLayers = 1, 1
	if _, r := g.importTo(t, convert.Config{Around: around}); !slices.Contains(r.Left, "encoder.layer.2.output.dense.weight") {
		t.Errorf("left: %v", r.Left)
	}
	around.TextLayers, around.CrossLayers = 3, 2
	if _, r := g.importTo(t, convert.Config{Around: around}); !slices.Contains(r.Fresh, "cross/block_01/mlp/up/weight") {
		t.Errorf("fresh: %v", r.Fresh)
	}

	// A vision tower put into it keeps what fits.
	v := readGolden(t, "vit_hf")
	both, r := v.importTo(t, convert.Config{Around: convert.Around{Model: dir}})
	kept := loadWeights(t, dir, n)
	for _, w := range loadWeights(t, both, r.Model.Network) {
		if !strings.HasPrefix(w.Name, "text/") {
			continue
		}
		i := slices.IndexFunc(kept, func(k checkpoint.Tensor) bool { return k.Name == w.Name })
		if !slices.Equal(w.Values, kept[i].Values) || !slices.Contains(r.Kept, w.Name) {
			t.Errorf("%s was not kept", w.Name)
		}
	}
	if r.Model.Pixels.Mean != pixels.Half(32).Mean || len(r.Model.Captions.Delete) != 0 {
		t.Errorf("%+v", r.Model)
	}
}

func TestCardsSayWhereWeightsAreFrom(t *testing.T) {
	g := readGolden(t, "vit_classifier")
	source := t.TempDir()
	if err := os.CopyFS(source, os.DirFS(g.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, "README.md"), []byte("---\nlicense: mit\n---\n# It\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "model")
	if _, err := convert.Import(t.Context(), source, dir, g.config()); err != nil {
		t.Fatal(err)
	}
	card, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"`model.safetensors`, SHA-256 ", "drawn afresh", `"mit"`, "## Origin", "## Data", "## Recipe", "## Results", "## Licence", "## Limits"} {
		if !strings.Contains(string(card), want) {
			t.Errorf("the card does not say %q:\n%s", want, card)
		}
	}
	if strings.Contains(string(card), source) {
		t.Error("the card names a path of this machine")
	}
}
