package train

import (
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
)

// Drawings is the recipe of the weights that ship in demo/model: a network two
// thirds as wide as Small with a stem of convolutions, half its layers of vision and
// two each of text and cross, for the 3,704 drawings of demo/emoji. Three layers after
// convolutions taught as much as six at 1.7 times the pairs a second; drawings turned
// and slanted on white took R@10 at 96,000 pairs from 38.2 to 41.0. The changes of
// colour are for longer runs and not measured by themselves.
// The dual encoder learns alone for half of the run, at 1.4 times the pace. The cross
// encoder begins on random negatives and with hidden words to read off the
// picture: on hard negatives alone its loss stood at the share of positives, 0.64,
// for 450 steps; so it was at 0.38 after 440 (2026-11).
// docs/results.md says what it reaches in which time.
func Drawings() Config {
	net := network.Small()
	const width = 128
	net.Vision.Width, net.Vision.Heads, net.Vision.Hidden = width, 2, 4*width
	net.Vision.Stem, net.Vision.Layers = network.StemConv, 3
	net.Text.Width, net.Text.Heads, net.Text.Hidden, net.Text.Layers = width, 2, 4*width, 2
	net.Cross.Layers = 2
	net.Text.MaskedModeling = true

	c := Default(net)
	c.Captions.MaxTokens, c.Vocabulary = 16, 4000
	c.Optimizer.LearningRate, c.Optimizer.WarmUp, c.Optimizer.Schedule = 1.5e-3, 100, Constant
	c.Alone = 0.5
	const white = 255
	c.Augment = pixels.AugmentConfig{MinScale: 0.5, Flip: 0.5,
		Affine: pixels.AffineConfig{Share: 0.7, Degrees: 20, Shear: 11, Fill: white},
		Colour: pixels.ColourConfig{Share: 0.5, Brightness: 0.3, Contrast: 0.3, Saturation: 0.4, Hue: 0.04, Grey: 0.05},
	}
	c.Hardness = Hardness{From: 0, Steps: 2500}
	c.Loss.Match.Objective = loss.BinaryListwise
	c.Loss.MaskedTokens = loss.MaskedTokensConfig{Weight: 0.5, Share: 0.3}
	c.Validation.Every, c.Validation.Pictures = 1000, 0
	c.Store = safetensors.F16
	return c
}
