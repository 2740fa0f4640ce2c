package loss_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/loss"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := loss.Default().Validate(); err != nil {
		t.Error(err)
	}
	if err := loss.DefaultNegatives().Validate(); err != nil {
		t.Error(err)
	}
	encoded, err := json.Marshal(loss.Default())
	if err != nil {
		t.Fatal(err)
	}
	var decoded loss.Config
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(loss.Default(), decoded); diff != "" {
		t.Error(diff)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	for field, change := range map[string]func(*loss.Config, *loss.NegativesConfig){
		"contrast.weight":      func(c *loss.Config, _ *loss.NegativesConfig) { c.Contrast.Weight = -1 },
		"match.weight":         func(c *loss.Config, _ *loss.NegativesConfig) { c.Match.Weight = math.NaN() },
		"match.objective":      func(c *loss.Config, _ *loss.NegativesConfig) { c.Match.Objective = "pairs" },
		"distill.weight":       func(c *loss.Config, _ *loss.NegativesConfig) { c.Distill.Weight = math.Inf(1) },
		"distill.objective":    func(c *loss.Config, _ *loss.NegativesConfig) { c.Distill.Objective = "" },
		"distill.direction":    func(c *loss.Config, _ *loss.NegativesConfig) { c.Distill.Direction = "up" },
		"distill.temperature":  func(c *loss.Config, _ *loss.NegativesConfig) { c.Distill.Temperature = 0 },
		"distill.warmup_steps": func(c *loss.Config, _ *loss.NegativesConfig) { c.Distill.WarmupSteps = -1 },
		"distill.scale":        func(c *loss.Config, _ *loss.NegativesConfig) { c.Distill.Scale = 0 },
		"distill.bias":         func(c *loss.Config, _ *loss.NegativesConfig) { c.Distill.Bias = math.NaN() },
		"masked_tokens.weight": func(c *loss.Config, _ *loss.NegativesConfig) { c.MaskedTokens.Weight = -1 },
		"masked_tokens.share":  func(c *loss.Config, _ *loss.NegativesConfig) { c.MaskedTokens.Share = 1 },
		"negatives.count":      func(_ *loss.Config, n *loss.NegativesConfig) { n.Count = 0 },
		"negatives.sampler":    func(_ *loss.Config, n *loss.NegativesConfig) { n.Sampler = "worst" },
	} {
		c, n := loss.Default(), loss.DefaultNegatives()
		change(&c, &n)
		err := errors.Join(c.Validate(), n.Validate())
		if !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), " "+field+":") {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
