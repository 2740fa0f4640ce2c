package network_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/network"
)

func presets() map[string]network.Config {
	return map[string]network.Config{
		"nano": network.Nano(), "small": network.Small(), "medium": network.Medium(), "base": network.Base(),
		"nano tokens": network.Nano().WithTokens(16, 40), "nano stem": withStem(network.Nano()),
		"stem and tokens": withStem(network.Nano()).WithTokens(16, 40),
	}
}

func withStem(c network.Config) network.Config {
	c.Vision.Stem = network.StemConv
	return c
}

func TestPresetsAreValid(t *testing.T) {
	for name, c := range presets() {
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		encoded, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var decoded network.Config
		if err := json.Unmarshal(encoded, &decoded); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, decoded); diff != "" {
			t.Errorf("%s does not survive JSON: %s", name, diff)
		}
	}
}

func TestValidateNamesTheField(t *testing.T) {
	for field, change := range map[string]func(*network.Config){
		"vision.input":              func(c *network.Config) { c.Vision.Input = "sound" },
		"vision.image_size":         func(c *network.Config) { c.Vision.ImageSize = 33 },
		"vision.patch_size":         func(c *network.Config) { c.Vision.PatchSize = 0 },
		"vision.stem":               func(c *network.Config) { c.Vision.Stem, c.Vision.PatchSize = network.StemConv, 1 },
		"vision.tokens":             func(c *network.Config) { c.Vision.Features = 3 },
		"vision.features":           func(c *network.Config) { *c = c.WithTokens(4, 0) },
		"vision.width":              func(c *network.Config) { c.Vision.Width = 65 },
		"vision.heads":              func(c *network.Config) { c.Vision.Heads = 0 },
		"vision.hidden":             func(c *network.Config) { c.Vision.Hidden = -1 },
		"vision.layers":             func(c *network.Config) { c.Vision.Layers = 1000 },
		"vision.layer_norm_epsilon": func(c *network.Config) { c.Vision.LayerNormEpsilon = math.NaN() },
		"text.vocabulary":           func(c *network.Config) { c.Text.Vocabulary = 1 << 40 },
		"text.max_tokens":           func(c *network.Config) { c.Text.MaxTokens = 0 },
		"text.width":                func(c *network.Config) { c.Text.Width = 63 },
		"text.layers":               func(c *network.Config) { c.Text.Layers = 0 },
		"text.layer_norm_epsilon":   func(c *network.Config) { c.Text.LayerNormEpsilon = 0 },
		"cross.layers":              func(c *network.Config) { c.Cross.Layers = 0 },
		"cross.pool":                func(c *network.Config) { c.Cross.Pool = "max" },
		"cross.from":                func(c *network.Config) { c.Cross.From = "words" },
		"cross.first_token":         func(c *network.Config) { c.Cross.FirstToken = c.Text.Vocabulary },
		"cross.match.hidden":        func(c *network.Config) { c.Cross.Match.LayerNormEpsilon = 1e-5 },
		"projection":                func(c *network.Config) { c.Projection = 0 },
		"dropout":                   func(c *network.Config) { c.Dropout = 1 },
		"init_deviation":            func(c *network.Config) { c.InitDeviation = math.Inf(1) },
		"parameters":                func(c *network.Config) { c.Text.Vocabulary, c.Text.Width = 1<<20, 1<<20 },
	} {
		c := network.Nano()
		change(&c)
		err := c.Validate()
		if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), " "+field+":") {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func TestAStemHalvesPixelsOnly(t *testing.T) {
	for what, change := range map[string]func(*network.VisionConfig){
		"pixel input":    func(v *network.VisionConfig) { *v = network.Nano().WithTokens(4, 8).Vision },
		"power of 2":     func(v *network.VisionConfig) { v.ImageSize, v.PatchSize = 36, 6 },
		"halved":         func(v *network.VisionConfig) { v.ImageSize, v.PatchSize, v.Width = 64, 32, 40 },
		`is not "" or "`: func(v *network.VisionConfig) { v.Stem = "deep" },
	} {
		c := withStem(network.Nano())
		change(&c.Vision)
		if c.Vision.Stem == network.StemCut {
			c.Vision.Stem = network.StemConv
		}
		if err := c.Validate(); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A cross encoder that starts from ids shares the text tower's layers: it cannot
// have more or fewer, and only it has a first token of its own.
func TestCrossFromIDsSharesTheTextLayers(t *testing.T) {
	c := network.Nano()
	c.Cross.From, c.Cross.Layers, c.Cross.FirstToken = network.FromIDs, c.Text.Layers, 7
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Params() {
		if strings.HasPrefix(p.Name, "cross/") && !strings.Contains(p.Name, "/cross_attention/") {
			t.Errorf("%s is the text tower's", p.Name)
		}
	}
	more := c
	more.Cross.Layers++
	states := c
	states.Cross.From = network.FromStates
	for what, c := range map[string]network.Config{"cross.layers": more, "cross.first_token": states} {
		if err := c.Validate(); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The counts are those of the ALBEF-style network (docs/paper.md, "The network").
func TestBaseHasThePapersParameters(t *testing.T) {
	tensors, values := map[string]int{}, map[string]int{}
	for _, p := range network.Base().Params() {
		tower, _, _ := strings.Cut(p.Name, "/")
		for _, part := range []string{tower, "all"} {
			tensors[part]++
			values[part] += p.Size()
		}
	}
	want := map[string]int{
		"vision": 86_090_496, "text": 66_364_416, "cross": 56_710_656,
		"project": 393_728, "match": 1_538, "temperature": 1, "all": 209_560_835,
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	// Checkpoints keep query, key and value of ViT in one tensor, in 12 layers one
	// weight and one bias: 150 tensors there, 48 more here.
	if tensors["all"] != 414+48 || tensors["vision"] != 150+48 {
		t.Errorf("got %d tensors, %d of vision", tensors["all"], tensors["vision"])
	}
}

func TestParamsAreNamedOnce(t *testing.T) {
	for name, c := range presets() {
		c.Text.MaskedModeling = true
		seen := map[string]bool{}
		for _, p := range c.Params() {
			if seen[p.Name] {
				t.Errorf("%s: %q twice", name, p.Name)
			}
			seen[p.Name] = true
		}
	}
}

// A config may come from a stranger: whatever is in it, it is judged, not crashed on.
func TestValidateJudgesAnyConfig(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		whole := rapid.OneOf(rapid.IntRange(-2, 20), rapid.Just(1<<20), rapid.Int())
		draw := func(field string) int { return whole.Draw(r, field) }
		c := network.Config{
			Vision: network.VisionConfig{
				Input: network.Input(rapid.SampledFrom([]string{"pixels", "tokens", ""}).Draw(r, "input")), ImageSize: draw("image"), PatchSize: draw("patch"),
				Tokens: draw("tokens"), Features: draw("features"), Width: draw("width"), Heads: draw("heads"), Layers: draw("layers"), Hidden: draw("hidden"),
				LayerNormEpsilon: rapid.Float64().Draw(r, "epsilon"),
			},
			Text: network.TextConfig{
				Vocabulary: draw("vocabulary"), MaxTokens: draw("places"), Width: draw("text width"), Heads: draw("text heads"), Layers: draw("text layers"),
				Hidden: draw("text hidden"), LayerNormEpsilon: 1e-12,
			},
			Cross: network.CrossConfig{Layers: draw("cross layers"), Pool: network.PoolFirst}, Projection: draw("projection"), InitDeviation: 0.02,
		}
		if err := c.Validate(); err != nil && !errors.Is(err, loopitr.ErrInvalid) {
			r.Fatal(err)
		}
	})
}
