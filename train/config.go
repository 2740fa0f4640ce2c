package train

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// Config is a recipe: everything that decides what a run computes. It is stored
// with the run, and the same recipe on the same data gives the same weights.
type Config struct {
	Network  network.Config  `json:"network"`
	Pixels   pixels.Config   `json:"pixels"`
	Captions wordpiece.Rules `json:"captions"`
	// Vocabulary is the most tokens to learn from the training captions when no
	// vocabulary is given.
	Vocabulary int `json:"vocabulary"`

	Seed  uint64 `json:"seed"`
	Batch int    `json:"batch"` // pairs that contrast with each other
	// Chunk is how many pairs are computed at a time; 0 is the whole batch. The
	// contrast is over the whole batch all the same (two passes, as GradCache).
	Chunk    int          `json:"chunk"`
	Sampling dataset.Mode `json:"sampling"`
	// Steps, Epochs and For end the run, whichever is set: exactly one is.
	Steps  int      `json:"steps"`
	Epochs float64  `json:"epochs"`
	For    Duration `json:"for"` // training time, validation excluded

	Optimizer Optimizer            `json:"optimizer"`
	Loss      loss.Config          `json:"loss"`
	Negatives loss.NegativesConfig `json:"negatives"`
	Hardness  Hardness             `json:"hardness"`
	// Alone is for which share of the run, from its start, the dual encoder learns
	// alone, by contrast: a step then costs little over half. Hardness and the warm-up
	// of distillation count from the first step of the whole loop.
	Alone   float64              `json:"alone"`
	Augment pixels.AugmentConfig `json:"augment"`
	Patches Patches              `json:"patches"`
	Words   Words                `json:"words"`
	// Freeze names parts of the network that stay as they start: "vision", "text",
	// "cross". A frozen vision tower encodes each picture once, without augmentation
	// and dropout.
	Freeze []string `json:"freeze"`
	// Rematerialize computes blocks twice instead of keeping what is inside them for
	// the gradient: less memory, a third more work. The engine onnx cannot.
	Rematerialize bool `json:"rematerialize"`
	// Average is the decay of the running average of the weights that is
	// validated and kept, 0.99 to 0.9999; 0 keeps the weights themselves.
	Average float64 `json:"average"`

	Validation Validation `json:"validation"`
	// Store is the element type of the kept model's weights: F32, F16 or BF16.
	Store safetensors.DType `json:"store"`
	// SaveEvery is how much training time a kill may cost at most.
	SaveEvery Duration `json:"save_every"`
}

// Hardness lets hard negatives begin easy: multinomial drawing starts at From (0
// draws evenly) and reaches the softmax after Steps.
type Hardness struct {
	From  float64 `json:"from"`
	Steps int     `json:"steps"`
}

// at is the hardness of a step of the whole loop.
func (h Hardness) at(step int64) float32 {
	if step >= int64(h.Steps) {
		return 1
	}
	return float32(h.From + (1-h.From)*float64(step)/float64(h.Steps))
}

// contrastOnly is the recipe of a step of the dual encoder alone.
func (c Config) contrastOnly() Config {
	c.Loss.Match.Weight, c.Loss.Distill.Weight, c.Loss.MaskedTokens.Weight = 0, 0, 0
	return c
}

// Patches lets the vision tower see only a part of each picture's patches, drawn
// anew for each step: the first Steps steps leave out a share Drop of them, those
// after it none (FLIP, Li et al. 2023, which ends on whole pictures as well).
type Patches struct {
	Drop  float64 `json:"drop"` // 0 to less than 1
	Steps int     `json:"steps"`
}

// shown is how many of all patches a step sees; 0 is all.
func (p Patches) shown(all int, step int64) int {
	if step >= int64(p.Steps) || p.Drop == 0 {
		return 0
	}
	return int(math.Ceil((1 - p.Drop) * float64(all)))
}

// Words lets a step read captions with tokens left out, drawn anew for each step: each
// with the chance Drop, but for one drawn to stay (random deletion; Wei and Zou 2019).
type Words struct {
	Drop float64 `json:"drop"` // 0 to less than 1
}

// Validation says how often and on how much the run measures itself.
type Validation struct {
	Every    int `json:"every"`    // steps; 0 is once an epoch
	Pictures int `json:"pictures"` // at most so many; 0 is all
	Rerank   int `json:"rerank"`   // candidates that the cross encoder judges
}

// Default is the recipe for a network of the given size, trained from scratch on
// one machine.
func Default(net network.Config) Config {
	captions := wordpiece.Plain()
	captions.MaxTokens = min(captions.MaxTokens, 32, net.Text.MaxTokens)
	return Config{
		Network: net, Pixels: pixels.CLIP(net.Vision.ImageSize), Captions: captions, Vocabulary: net.Text.Vocabulary,
		Seed: 1, Batch: 64, Sampling: dataset.Pictures,
		Optimizer: DefaultOptimizer(), Loss: loss.Default(), Negatives: loss.DefaultNegatives(),
		Hardness: Hardness{From: 1}, Augment: pixels.FineTuning(), Average: 0.999,
		Validation: Validation{Pictures: 1000, Rerank: 16},
		Store:      safetensors.F32,
		SaveEvery:  Duration(time.Minute),
	}
}

// Validate names the first field that cannot work; the error wraps
// loopitr.ErrInvalid.
func (c Config) Validate() error {
	model := infer.Config{Network: c.Network, Pixels: c.Pixels, Captions: c.Captions}
	for _, check := range []func() error{model.Validate, c.Optimizer.Validate, c.Loss.Validate, c.Negatives.Validate, c.Augment.Validate} {
		if err := check(); err != nil {
			return err
		}
	}
	if err := (dataset.SamplerConfig{Seed: c.Seed, Batch: c.Batch, Mode: c.Sampling}).Validate(); err != nil {
		return err
	}
	ends := 0
	for _, set := range []bool{c.Steps > 0, c.Epochs > 0, c.For > 0} {
		if set {
			ends++
		}
	}
	switch {
	case ends != 1:
		return c.invalid("steps, epochs, for", []any{c.Steps, c.Epochs, c.For}, "one of them says when the run ends")
	case c.Batch < 2:
		return c.invalid("batch", c.Batch, "contrast needs 2 pairs or more")
	case c.Chunk < 0 || c.Chunk > 0 && c.Batch%c.Chunk != 0:
		return c.invalid("chunk", c.Chunk, "does not divide the batch")
	case c.Negatives.Count >= c.Batch:
		return c.invalid("negatives.count", c.Negatives.Count, "a batch has fewer negatives")
	case !(c.Alone >= 0 && c.Alone < 1) || c.Alone > 0 && c.Loss.Contrast.Weight == 0:
		return c.invalid("alone", c.Alone, "is not within 0 and less than 1, or loss.contrast.weight leaves nothing to learn alone")
	case c.Hardness.From < 0 || c.Hardness.Steps < 0:
		return c.invalid("hardness", c.Hardness, "is below 0")
	case !(c.Patches.Drop >= 0 && c.Patches.Drop < 1) || c.Patches.Steps < 0:
		return c.invalid("patches", c.Patches, "wants drop of 0 to less than 1, and steps of 0 or more")
	case c.Patches.Drop > 0 && c.Patches.Steps > 0 && c.cached():
		return c.invalid("patches", c.Patches, "leaves out patches of a frozen vision tower, which sees all once")
	case !(c.Words.Drop >= 0 && c.Words.Drop < 1):
		return c.invalid("words.drop", c.Words.Drop, "is not within 0 and less than 1")
	case c.Average < 0 || c.Average >= 1:
		return c.invalid("average", c.Average, "is not within 0 and 1")
	case c.Validation.Every < 0 || c.Validation.Pictures < 0 || c.Validation.Rerank < 1:
		return c.invalid("validation", c.Validation, "has a field below 0, or no candidates to rerank")
	case c.Vocabulary < 1:
		return c.invalid("vocabulary", c.Vocabulary, "is below 1")
	case c.Store != "" && c.Store != safetensors.F32 && c.Store != safetensors.F16 && c.Store != safetensors.BF16:
		return c.invalid("store", c.Store, "is not F32, F16 or BF16")
	case c.SaveEvery < 0:
		return c.invalid("save_every", c.SaveEvery, "is below 0")
	case c.Loss.MaskedTokens.Weight > 0 && !c.Network.Text.MaskedModeling:
		return c.invalid("loss.masked_tokens.weight", c.Loss.MaskedTokens.Weight, "needs network.text.masked_modeling")
	}
	if c.chunked() && c.Network.Cross.From == network.FromIDs {
		return c.invalid("chunk", c.Chunk, `cannot be with network.cross.from "ids": the passes hand on text states`)
	}
	for _, part := range c.Freeze {
		if !slices.Contains([]string{"vision", "text", "cross"}, part) {
			return c.invalid("freeze", part, `is not "vision", "text" or "cross"`)
		}
	}
	return nil
}

func (c Config) invalid(field string, value any, why string) error {
	return fmt.Errorf("train config: %s is %v: %s: %w", field, value, why, loopitr.ErrInvalid)
}
