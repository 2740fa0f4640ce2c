package loss

import (
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
)

// Config weighs the losses against each other and chooses their forms. The total
// is the weighted sum; a weight of 0 leaves a loss out.
type Config struct {
	Contrast     ContrastConfig     `json:"contrast"`
	Match        MatchConfig        `json:"match"`
	Distill      DistillConfig      `json:"distill"`
	MaskedTokens MaskedTokensConfig `json:"masked_tokens"`
}

// Judges tells whether any loss asks the cross encoder for its judgement.
func (c Config) Judges() bool { return c.Match.Weight > 0 || c.Distill.Weight > 0 }

// ContrastConfig is for Contrast.
type ContrastConfig struct {
	Weight float64 `json:"weight"`
}

// MatchConfig is for Match.
type MatchConfig struct {
	Weight    float64        `json:"weight"`
	Objective MatchObjective `json:"objective"`
}

// MatchObjective is how the cross encoder's judgement is scored.
type MatchObjective string

// The match objectives.
const (
	Binary         MatchObjective = "binary"   // each pair by itself: match or not (ALBEF)
	ListwiseMatch  MatchObjective = "listwise" // the positive against its negatives; ours
	BinaryListwise MatchObjective = "both"     // the mean of the two; ours
)

// DistillConfig is for Distill.
type DistillConfig struct {
	Weight    float64   `json:"weight"`
	Objective Objective `json:"objective"`
	Direction Direction `json:"direction"`
	// Temperature T divides the teacher's scores.
	Temperature float64 `json:"temperature"`
	// Rows says which rows are taught.
	Rows Rows `json:"rows"`
	// TeacherGradient lets the teacher move towards the student as well.
	TeacherGradient bool `json:"teacher_gradient"`
	// WarmupSteps is over how many steps the weight grows from 0.
	WarmupSteps int `json:"warmup_steps"`
	// Scale a and Bias b make a probability of the dual logit, for pointwise only:
	// sigmoid(a s + b).
	Scale float64 `json:"scale"`
	Bias  float64 `json:"bias"`
}

// Objective is how a student's scores are compared with a teacher's.
type Objective string

// The distillation objectives. The paper's own is not published to us; all of
// these are named as ours (docs/paper.md, "The losses").
const (
	Listwise  Objective = "listwise"
	Pointwise Objective = "pointwise"
	Margin    Objective = "margin"
	Rank      Objective = "rank"
	None      Objective = "none"
)

// Direction is who teaches whom.
type Direction string

// The directions of distillation.
const (
	CrossToDual    Direction = "cross-to-dual"
	DualToCross    Direction = "dual-to-cross"
	BothDirections Direction = "both" // the mean of the two
)

// Rows is which rows of a batch a teacher speaks about.
type Rows string

// The choices of rows. A teacher that knows nothing yet makes all candidates
// equally likely; teaching that pulls against contrast exactly where contrast
// tells apart what is hard. Better is ours.
const (
	EveryRow  Rows = "every"
	BetterRow Rows = "better" // where the teacher gives the positive more than the student does
)

// MaskedTokensConfig is for MaskedTokens.
type MaskedTokensConfig struct {
	Weight float64 `json:"weight"`
	// Share of a caption's words that are masked (BERT: 0.15), at least one.
	Share float64 `json:"share"`
}

// Most is how many words are masked in a caption of some tokens, [CLS] and [SEP]
// among them: never less for more tokens.
func (c MaskedTokensConfig) Most(tokens int) int {
	return max(int(math.Round(c.Share*float64(tokens-2))), 1)
}

// NegativesConfig is for HardNegatives.
type NegativesConfig struct {
	// Count m of negatives for each picture and for each caption.
	Count   int     `json:"count"`
	Sampler Sampler `json:"sampler"`
}

// Sampler is how negatives are drawn.
type Sampler string

// The samplers.
const (
	Multinomial Sampler = "multinomial" // by softmax of the similarities, without replacement
	Top         Sampler = "top"         // the most similar
	Random      Sampler = "random"      // evenly, without replacement
)

// Default is contrast, binary match and listwise distillation of equal weight.
func Default() Config {
	return Config{
		Contrast: ContrastConfig{Weight: 1},
		Match:    MatchConfig{Weight: 1, Objective: Binary},
		Distill: DistillConfig{
			Weight: 1, Objective: Listwise, Direction: CrossToDual, Rows: BetterRow, Temperature: 1, Scale: 1,
		},
		MaskedTokens: MaskedTokensConfig{Share: 0.15},
	}
}

// DefaultNegatives is ALBEF's: one, multinomial.
func DefaultNegatives() NegativesConfig { return NegativesConfig{Count: 1, Sampler: Multinomial} }

// maxNegatives keeps a graph, which grows with the count, at a sane size.
const maxNegatives = 256

// Validate reports the first field that cannot work, by its name on disk; the
// error wraps loopitr.ErrInvalid.
func (c Config) Validate() error {
	d := c.Distill
	for _, w := range []struct {
		field string
		value float64
	}{
		{"contrast.weight", c.Contrast.Weight}, {"match.weight", c.Match.Weight},
		{"distill.weight", d.Weight}, {"masked_tokens.weight", c.MaskedTokens.Weight},
	} {
		if !(w.value >= 0) || math.IsInf(w.value, 0) {
			return invalid(w.field, w.value, "is not 0 or more")
		}
	}
	switch c.Match.Objective {
	case Binary, ListwiseMatch, BinaryListwise:
	default:
		return invalid("match.objective", c.Match.Objective, "is not binary, listwise or both")
	}
	switch d.Objective {
	case Listwise, Pointwise, Margin, Rank, None:
	default:
		return invalid("distill.objective", d.Objective, "is not listwise, pointwise, margin, rank or none")
	}
	switch d.Direction {
	case CrossToDual, DualToCross, BothDirections:
	default:
		return invalid("distill.direction", d.Direction, "is not cross-to-dual, dual-to-cross or both")
	}
	switch d.Rows {
	case EveryRow, BetterRow:
	default:
		return invalid("distill.rows", d.Rows, "is not every or better")
	}
	return c.validateNumbers()
}

func (c Config) validateNumbers() error {
	d := c.Distill
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	switch {
	case !(d.Temperature > 0) || !finite(d.Temperature):
		return invalid("distill.temperature", d.Temperature, "is not above 0")
	case d.WarmupSteps < 0:
		return invalid("distill.warmup_steps", d.WarmupSteps, "is not 0 or more")
	case !(d.Scale > 0) || !finite(d.Scale):
		return invalid("distill.scale", d.Scale, "is not above 0")
	case !finite(d.Bias):
		return invalid("distill.bias", d.Bias, "is not finite")
	case !(c.MaskedTokens.Share > 0 && c.MaskedTokens.Share < 1):
		return invalid("masked_tokens.share", c.MaskedTokens.Share, "is not between 0 and 1")
	}
	return nil
}

// Validate reports the first field that cannot work.
func (c NegativesConfig) Validate() error {
	if c.Count < 1 || c.Count > maxNegatives {
		return invalid("negatives.count", c.Count, fmt.Sprintf("is not within 1 and %d", maxNegatives))
	}
	switch c.Sampler {
	case Multinomial, Top, Random:
		return nil
	}
	return invalid("negatives.sampler", c.Sampler, "is not multinomial, top or random")
}

func invalid(field string, value any, why string) error {
	return fmt.Errorf("loss config %s: \"%v\" %s: %w", field, value, why, loopitr.ErrInvalid)
}
