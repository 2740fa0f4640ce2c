package network

import (
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
)

// Input is what the vision tower takes.
type Input string

// The two inputs of a vision tower.
const (
	Pixels Input = "pixels" // normalised RGB, cut into patches
	Tokens Input = "tokens" // tokens that another, frozen backbone made
)

// Pool is which of the cross encoder's states the match head reads.
type Pool string

// The two ways to pool.
const (
	PoolFirst Pool = "cls"  // the first token's, as ALBEF and its relatives do
	PoolMean  Pool = "mean" // the mean over the caption's tokens; ours
)

// From is what the cross encoder starts from.
type From string

// The two starts of a cross encoder.
const (
	// FromStates goes on from the text tower's states with layers of its own, as
	// ALBEF and the paper do: text is encoded once and judged with many pictures.
	FromStates From = ""
	// FromIDs starts again from token ids, in the text tower's own layers with a
	// cross attention between their two halves, as BLIP does (BLIP's code).
	FromIDs From = "ids"
)

// Config is the shape of one network. It is stored with every model.
type Config struct {
	Vision VisionConfig `json:"vision"`
	Text   TextConfig   `json:"text"`
	Cross  CrossConfig  `json:"cross"`
	// Projection is the length of the dual encoder's vectors.
	Projection int `json:"projection"`
	// Dropout is the share of branch outputs dropped in training, 0 to less than 1.
	Dropout float64 `json:"dropout"`
	// InitDeviation is the standard deviation of initial weights: BERT's 0.02, by
	// which each kind of parameter measures its own (Init).
	InitDeviation float64 `json:"init_deviation"`
}

// VisionConfig is the vision tower: a pre-norm ViT.
type VisionConfig struct {
	Input Input `json:"input"`

	// For pixels: pictures are ImageSize pixels square, cut into patches
	// PatchSize pixels square.
	ImageSize int `json:"image_size,omitempty"`
	PatchSize int `json:"patch_size,omitempty"`
	// Stem is what turns pixels into patches.
	Stem Stem `json:"stem,omitempty"`

	// For tokens: each picture is Tokens rows of Features numbers.
	Tokens   int `json:"tokens,omitempty"`
	Features int `json:"features,omitempty"`

	Width            int     `json:"width"`
	Heads            int     `json:"heads"`
	Layers           int     `json:"layers"`
	Hidden           int     `json:"hidden"` // width of the feed-forward part, usually 4 * Width
	LayerNormEpsilon float64 `json:"layer_norm_epsilon"`
}

// TextConfig is the text tower: the first half of a BERT. The cross encoder is
// its second half and shares its width.
type TextConfig struct {
	Vocabulary       int     `json:"vocabulary"`
	MaxTokens        int     `json:"max_tokens"` // positions, special tokens included
	Width            int     `json:"width"`
	Heads            int     `json:"heads"`
	Layers           int     `json:"layers"`
	Hidden           int     `json:"hidden"`
	LayerNormEpsilon float64 `json:"layer_norm_epsilon"`
	// NoTypes leaves out the embedding of token types, which BLIP has not.
	NoTypes bool `json:"no_types,omitempty"`
	// MaskedModeling adds the head that predicts masked tokens in pre-training.
	MaskedModeling bool `json:"masked_modeling,omitempty"`
}

// CrossConfig is the cross encoder.
type CrossConfig struct {
	// Layers is the text tower's Layers where From is "ids".
	Layers int  `json:"layers"`
	Pool   Pool `json:"pool"`
	From   From `json:"from,omitempty"`
	// FirstToken is the id that stands in [CLS]'s place where From is "ids", as
	// BLIP's [ENC] does; 0 leaves [CLS].
	FirstToken int `json:"first_token,omitempty"`
	// Match is the head's hidden layer; the zero value has none.
	Match MatchConfig `json:"match,omitzero"`
}

// MatchConfig is the hidden layer of a match head, as X-VLM has one: Dense, norm,
// GELU (X-VLM's code).
type MatchConfig struct {
	Hidden           int     `json:"hidden"`
	LayerNormEpsilon float64 `json:"layer_norm_epsilon"`
}

// Limits on one dimension and on all weights together: a config from a stranger
// is refused before anything is allocated for it.
const (
	maxDimension  = 1 << 20
	maxLayers     = 256
	maxParameters = 1 << 33
)

// PictureTokens is P, the number of tokens Vision makes of a picture.
func (c VisionConfig) PictureTokens() int {
	if c.Input == Tokens {
		return c.Tokens + 1
	}
	side := c.ImageSize / c.PatchSize
	return side*side + 1
}

// inputFeatures is how many numbers the first Dense takes for one token.
func (c VisionConfig) inputFeatures() int {
	if c.Input == Tokens {
		return c.Features
	}
	if c.Stem == StemConv {
		return c.Width
	}
	return c.PatchSize * c.PatchSize * channels
}

// channels of a picture: RGB.
const channels = 3

// Validate reports the first field that cannot work, by its name on disk; the
// error wraps loopitr.ErrInvalid.
func (c Config) Validate() error {
	if err := c.Vision.validate(); err != nil {
		return err
	}
	t := c.Text
	err := first(
		positive("text.vocabulary", t.Vocabulary),
		positive("text.max_tokens", t.MaxTokens),
		block("text", t.Width, t.Heads, t.Hidden),
		layers("text.layers", t.Layers),
		epsilon("text.layer_norm_epsilon", t.LayerNormEpsilon),
		layers("cross.layers", c.Cross.Layers),
		positive("projection", c.Projection),
	)
	if err != nil {
		return err
	}
	if err := c.validateCross(); err != nil {
		return err
	}
	switch {
	case c.Cross.Pool != PoolFirst && c.Cross.Pool != PoolMean:
		return invalid("cross.pool", c.Cross.Pool, `is not "cls" or "mean"`)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return invalid("dropout", c.Dropout, "is not within 0 and less than 1")
	case !(c.InitDeviation > 0 && c.InitDeviation <= 1):
		return invalid("init_deviation", c.InitDeviation, "is not above 0 and at most 1")
	case c.size() > maxParameters:
		return invalid("parameters", c.size(), "are more than 2^33")
	}
	return nil
}

// validateCross checks what only some cross encoders have.
func (c Config) validateCross() error {
	x := c.Cross
	switch {
	case x.From != FromStates && x.From != FromIDs:
		return invalid("cross.from", x.From, `is not "" or "ids"`)
	case x.From == FromIDs && x.Layers != c.Text.Layers:
		return invalid("cross.layers", x.Layers, fmt.Sprintf("is not text.layers %d, which it shares", c.Text.Layers))
	case x.FirstToken < 0 || x.FirstToken >= c.Text.Vocabulary:
		return invalid("cross.first_token", x.FirstToken, fmt.Sprintf("is not within text.vocabulary %d", c.Text.Vocabulary))
	case x.FirstToken != 0 && x.From != FromIDs:
		return invalid("cross.first_token", x.FirstToken, `is for cross.from "ids" only`)
	case x.Match == MatchConfig{}:
		return nil
	}
	return first(
		positive("cross.match.hidden", x.Match.Hidden),
		epsilon("cross.match.layer_norm_epsilon", x.Match.LayerNormEpsilon),
	)
}

func (c VisionConfig) validate() error {
	switch c.Input {
	case Pixels:
		err := first(positive("vision.image_size", c.ImageSize), positive("vision.patch_size", c.PatchSize))
		if err != nil {
			return err
		}
		if c.ImageSize%c.PatchSize != 0 {
			return invalid("vision.image_size", c.ImageSize, fmt.Sprintf("is not a multiple of vision.patch_size %d", c.PatchSize))
		}
		if c.Tokens != 0 || c.Features != 0 {
			return invalid("vision.tokens", c.Tokens, "and vision.features are for token input only")
		}
	case Tokens:
		err := first(positive("vision.tokens", c.Tokens), positive("vision.features", c.Features))
		if err != nil {
			return err
		}
		if c.ImageSize != 0 || c.PatchSize != 0 {
			return invalid("vision.image_size", c.ImageSize, "and vision.patch_size are for pixel input only")
		}
	default:
		return invalid("vision.input", c.Input, `is not "pixels" or "tokens"`)
	}
	return first(
		c.validateStem(),
		block("vision", c.Width, c.Heads, c.Hidden),
		layers("vision.layers", c.Layers),
		epsilon("vision.layer_norm_epsilon", c.LayerNormEpsilon),
	)
}

func block(tower string, width, heads, hidden int) error {
	err := first(
		positive(tower+".width", width), positive(tower+".heads", heads), positive(tower+".hidden", hidden),
	)
	if err == nil && width%heads != 0 {
		err = invalid(tower+".width", width, fmt.Sprintf("is not a multiple of %s.heads %d", tower, heads))
	}
	return err
}

func positive(field string, value int) error {
	if value < 1 || value > maxDimension {
		return invalid(field, value, fmt.Sprintf("is not within 1 and %d", maxDimension))
	}
	return nil
}

func layers(field string, value int) error {
	if value < 1 || value > maxLayers {
		return invalid(field, value, fmt.Sprintf("is not within 1 and %d", maxLayers))
	}
	return nil
}

func epsilon(field string, value float64) error {
	if !(value > 0 && value <= 1) || math.IsInf(value, 0) {
		return invalid(field, value, "is not above 0 and at most 1")
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func invalid(field string, value any, why string) error {
	return fmt.Errorf("network config %s: \"%v\" %s: %w", field, value, why, loopitr.ErrInvalid)
}
