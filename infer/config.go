package infer

import (
	"fmt"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// Config is what config.json of a model folder holds: everything between a file
// on disk and a score.
type Config struct {
	Network  network.Config  `json:"network"`
	Pixels   pixels.Config   `json:"pixels"` // unused with token input
	Captions wordpiece.Rules `json:"captions"`
	// ScoreWeight is w of the score rule z + w*s, chosen on validation; 0 is the
	// paper's rule.
	ScoreWeight float32   `json:"score_weight"`
	Training    *Training `json:"training,omitempty"`
}

// Training is what the model's training came to.
type Training struct {
	Steps   int     `json:"steps"`
	Pairs   int64   `json:"pairs"`   // pairs seen
	Seconds float64 `json:"seconds"` // spent training, over all sessions
	Seed    uint64  `json:"seed"`
	// DualSum and RerankedSum are the sums of the six recalls on validation.
	DualSum     float64 `json:"dual_rsum"`
	RerankedSum float64 `json:"reranked_rsum"`
}

// Validate names the first field that cannot work; the error wraps
// loopitr.ErrInvalid.
func (c Config) Validate() error {
	if err := c.Network.Validate(); err != nil {
		return err
	}
	if err := c.Captions.Validate(); err != nil {
		return err
	}
	if c.Captions.MaxTokens > c.Network.Text.MaxTokens {
		return fmt.Errorf("model config: captions.max_tokens %d: the network has %d positions: %w",
			c.Captions.MaxTokens, c.Network.Text.MaxTokens, loopitr.ErrInvalid)
	}
	if c.Network.Vision.Input != network.Pixels {
		return nil
	}
	if err := c.Pixels.Validate(); err != nil {
		return err
	}
	if c.Pixels.Size != c.Network.Vision.ImageSize {
		return fmt.Errorf("model config: pixels.size %d: the network takes %d: %w",
			c.Pixels.Size, c.Network.Vision.ImageSize, loopitr.ErrInvalid)
	}
	return nil
}

// encoding is the part of a configuration that decides what encodings mean; it
// goes into the fingerprint.
func (c Config) encoding() any {
	return struct {
		Network  network.Config
		Pixels   pixels.Config
		Captions wordpiece.Rules
	}{c.Network, c.Pixels, c.Captions}
}
