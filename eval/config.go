package eval

import (
	"fmt"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/recall"
)

// All as Config.Rerank judges every pair of the split.
const All = -1

// Model is what is measured. Matcher may be nil when nothing is re-ranked.
type Model struct {
	Encoder loopitr.Encoder
	Matcher loopitr.Matcher
}

// Split is the pictures and captions to measure on.
type Split struct {
	Records []dataset.Record
	// Picture returns the prepared picture of a record. It is called from several
	// goroutines. A picture whose error wraps loopitr.ErrInvalid, ErrNotFound or
	// ErrCorrupt is left out with its captions, any other error stops.
	Picture func(record int) (loopitr.Picture, error)
}

// Stage is a part of the measurement, as Progress tells it.
type Stage string

// The stages, in order.
const (
	EncodeImages Stage = "encode images"
	EncodeTexts  Stage = "encode texts"
	Dual         Stage = "dual"
	Rerank       Stage = "rerank"
)

// Config says how to measure. The zero value measures the dual encoder alone.
type Config struct {
	// Rerank is how many candidates of each query the matcher judges: 0 for
	// none, All for every one.
	Rerank int
	// Batch is how many pictures or captions are encoded at once, 64 when 0.
	Batch int
	// Pairs is how many pairs go to the matcher at once, 512 when 0.
	Pairs int
	// StateBytes bounds the token states held at once, 2 GiB when 0. Beyond it
	// states are encoded again, block by block, while pairs are judged.
	StateBytes int64
	// Strict stops at the first picture that cannot be used.
	Strict bool
	// Bootstrap makes the intervals of every report.
	Bootstrap recall.Bootstrap
	// Progress is told, when not nil, how many items of a stage are done; it is
	// called from one goroutine.
	Progress func(stage Stage, done, total int)
}

// Validate names the field that is impossible; the error wraps loopitr.ErrInvalid.
func (c Config) Validate() error {
	for name, v := range map[string]int64{"batch": int64(c.Batch), "pairs": int64(c.Pairs), "state bytes": c.StateBytes} {
		if v < 0 {
			return fmt.Errorf("configure evaluation: %s %d is below zero: %w", name, v, loopitr.ErrInvalid)
		}
	}
	if c.Rerank < All {
		return fmt.Errorf("configure evaluation: rerank %d is below zero: %w", c.Rerank, loopitr.ErrInvalid)
	}
	return c.Bootstrap.Validate()
}

func (c Config) withDefaults() Config {
	if c.Batch == 0 {
		c.Batch = 64
	}
	if c.Pairs == 0 {
		c.Pairs = 512
	}
	if c.StateBytes == 0 {
		c.StateBytes = 2 << 30
	}
	if c.Progress == nil {
		c.Progress = func(Stage, int, int) {}
	}
	return c
}

func (s Split) validate() error {
	if len(s.Records) == 0 {
		return fmt.Errorf("no pictures: %w", loopitr.ErrInvalid)
	}
	for i, r := range s.Records {
		if len(r.Captions) == 0 {
			return fmt.Errorf("picture %d (%q) has no captions: %w", i, r.ID, loopitr.ErrInvalid)
		}
	}
	return nil
}
