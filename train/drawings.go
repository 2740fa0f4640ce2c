package train

import (
	"math"

	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
)

// Drawings is the recipe of the weights that ship in demo/model: a network two
// thirds as wide as Small with two layers of text and two of cross, for the 3,704
// drawings of demo/emoji. Its cross encoder begins on random negatives and with
// hidden words to read off the picture: on hard negatives alone its loss stood at
// the share of positives, 0.64, for 450 steps; so it was at 0.38 after 440 (2026-11).
// Half of each picture's patches are left out, in all but the last part of a run of
// 9,000 steps: a third less time a step.
// RandAugment is mild: at full strength the first 18,000 pairs taught a fifth less.
// docs/results.md says what it reaches in which time.
func Drawings() Config {
	net := network.Small()
	const width = 128
	net.Vision.Width, net.Vision.Heads, net.Vision.Hidden = width, 2, 4*width
	net.Text.Width, net.Text.Heads, net.Text.Hidden, net.Text.Layers = width, 2, 4*width, 2
	net.Cross.Layers = 2
	net.Text.MaskedModeling = true
	net.InitDeviation *= math.Sqrt(192.0 / width)

	c := Default(net)
	c.Captions.MaxTokens, c.Vocabulary = 16, 4000
	c.Optimizer.LearningRate, c.Optimizer.Schedule = 1.5e-3, Constant
	c.Augment.Ops, c.Augment.Level = 1, 5
	c.Patches = Patches{Drop: 0.5, Steps: 7700}
	c.Hardness = Hardness{From: 0, Steps: 4500}
	c.Loss.Match.Objective = loss.BinaryListwise
	c.Loss.MaskedTokens = loss.MaskedTokensConfig{Weight: 0.5, Share: 0.3}
	c.Validation.Every, c.Validation.Pictures = 1000, 0
	c.Store = safetensors.F16
	return c
}
