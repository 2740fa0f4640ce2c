package eval

import (
	"context"
	"fmt"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

// Seconds is where the time went. EncodeImages includes decoding; states that had
// to be encoded again count as Rerank.
type Seconds struct {
	EncodeImages float64 `json:"encode_images"`
	EncodeTexts  float64 `json:"encode_texts"`
	Dual         float64 `json:"dual"`
	Rerank       float64 `json:"rerank"`
}

// session is a measurement while it runs.
type session struct {
	model         Model
	config        Config
	images, texts *side
	scores        *Scores
	judged        *judged
}

// Measure encodes the split, ranks it by cosine in both directions and has the
// candidates judged.
//
// The error wraps loopitr.ErrInvalid when the configuration is impossible, the
// split is empty or no picture of it can be used; otherwise it is ctx's, the
// encoder's or the matcher's. There are no partial results.
func Measure(ctx context.Context, m Model, split Split, c Config) (*Scores, error) {
	s, err := measure(ctx, m, split, c)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return s.scores, nil
}

func measure(ctx context.Context, m Model, split Split, c Config) (*session, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := split.validate(); err != nil {
		return nil, err
	}
	if m.Matcher == nil && c.Rerank != 0 {
		return nil, fmt.Errorf("re-ranking needs a matcher: %w", loopitr.ErrInvalid)
	}
	s := &session{model: m, config: c.withDefaults(), scores: &Scores{Rerank: c.Rerank}}
	if m.Matcher != nil {
		s.scores.Rule = m.Matcher.Rule()
	}
	if err := s.encode(ctx, split); err != nil {
		return nil, err
	}
	if err := timed(&s.scores.Seconds.Dual, func() error { return s.dual(ctx) }); err != nil {
		return nil, err
	}
	if c.Rerank == 0 {
		return s, nil
	}
	s.judged = candidates(s.scores.layout)
	s.scores.pairs = len(s.judged.z)
	if err := timed(&s.scores.Seconds.Rerank, func() error { return s.match(ctx) }); err != nil {
		return nil, err
	}
	s.judged.handOut(s.scores.layout)
	return s, nil
}

func timed(seconds *float64, stage func() error) error {
	start := time.Now()
	err := stage()
	*seconds = time.Since(start).Seconds()
	return err
}

func (s *session) encode(ctx context.Context, split Split) error {
	var kept []int
	err := timed(&s.scores.Seconds.EncodeImages, func() (err error) {
		s.images, kept, s.scores.Skipped, err = encodeImages(ctx, s.model.Encoder, split, s.config)
		return err
	})
	if err != nil {
		return err
	}
	if len(kept) == 0 {
		first := s.scores.Skipped[0]
		return fmt.Errorf("none of %d pictures can be used; the first, %q: %s: %w", len(s.scores.Skipped), first.ID, first.Reason, loopitr.ErrInvalid)
	}
	records := make([]dataset.Record, len(kept))
	for i, record := range kept {
		records[i] = split.Records[record]
	}
	s.scores.layout = newLayout(records)
	s.scores.Images, s.scores.Captions = len(records), len(s.scores.layout.captions)
	return timed(&s.scores.Seconds.EncodeTexts, func() (err error) {
		s.texts, err = encodeTexts(ctx, s.model.Encoder, s.scores.layout.captions, s.config)
		return err
	})
}

func (s *session) dual(ctx context.Context) error {
	if s.images.width != s.texts.width {
		return fmt.Errorf("encoder gave pictures %d and captions %d values: %w", s.images.width, s.texts.width, loopitr.ErrInvalid)
	}
	l := s.scores.layout
	total := s.images.count + s.texts.count
	if err := (direction{s.images, s.texts, s.config.Rerank}).stand(ctx, l.images); err != nil {
		return err
	}
	s.config.Progress(Dual, s.images.count, total)
	if err := (direction{s.texts, s.images, s.config.Rerank}).stand(ctx, l.texts); err != nil {
		return err
	}
	s.config.Progress(Dual, total, total)
	return nil
}
