package train

import (
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
)

// Drawings is the recipe of the weights that ship in demo/model: a network two
// thirds as wide as Small with two layers of text and two of cross, for the 3,704
// drawings of demo/emoji. Its cross encoder begins on random negatives and with
// hidden words to read off the picture: on hard negatives alone its loss stood at
// the share of positives, 0.64, for 450 steps; so it was at 0.38 after 440 (2026-11).
// Half of the patches left out (Patches) made a step a third shorter but taught less
// in the same time.
// RandAugment is mild: at full strength the first 18,000 pairs taught a fifth less.
// docs/results.md says what it reaches in which time.
func Drawings() Config {
	net := network.Small()
	const width = 128
	net.Vision.Width, net.Vision.Heads, net.Vision.Hidden = width, 2, 4*width
	net.Text.Width, net.Text.Heads, net.Text.Hidden, net.Text.Layers = width, 2, 4*width, 2
	net.Cross.Layers = 2
	net.Text.MaskedModeling = true

	c := Default(net)
	c.Captions.MaxTokens, c.Vocabulary = 16, 4000
	c.Optimizer.LearningRate, c.Optimizer.WarmUp, c.Optimizer.Schedule = 1.5e-3, 100, Constant
	c.Augment.Ops, c.Augment.Level = 1, 5
	c.Hardness = Hardness{From: 0, Steps: 2500}
	c.Loss.Match.Objective = loss.BinaryListwise
	c.Loss.MaskedTokens = loss.MaskedTokensConfig{Weight: 0.5, Share: 0.3}
	c.Validation.Every, c.Validation.Pictures = 1000, 0
	c.Store = safetensors.F16
	return c
}
