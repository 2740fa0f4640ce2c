package eval

import (
	"fmt"
	"slices"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/recall"
)

// Scores is what a measurement found, enough to report any smaller number of
// candidates and any weight without running the network again.
type Scores struct {
	// Images and Captions were used; Skipped were not.
	Images, Captions int
	Skipped          []Skip
	// Seconds each stage took.
	Seconds Seconds
	// Rerank is how many candidates of each query were judged, All for every one.
	Rerank int
	// Rule is the matcher's own score rule.
	Rule loopitr.ScoreRule

	layout *layout
	pairs  int // judged
}

// Order is a way to order a query's gallery: the Rerank best by cosine first, by
// match log-odds plus Weight times the dual logit, and the rest behind them by
// cosine. With Rerank 0 all go by cosine.
type Order struct {
	Rerank int
	Weight float32
}

// Report measures an order. The error wraps loopitr.ErrInvalid when more
// candidates are asked for than were judged, or when a weight is given and the
// matcher's rule has no temperature.
func (s *Scores) Report(o Order, b recall.Bootstrap) (recall.Report, error) {
	m, err := s.measure(o, b)
	return m.Report, err
}

func (s *Scores) measure(o Order, b recall.Bootstrap) (recall.Measured, error) {
	if err := s.check(o); err != nil {
		return recall.Measured{}, err
	}
	rule := loopitr.ScoreRule{Weight: o.Weight, Temperature: s.Rule.Temperature}
	k := o.Rerank
	if k == All {
		k = s.most()
	}
	return recall.Measure(recall.Answers{ImageToText: place(s.layout.images, k, rule), TextToImage: place(s.layout.texts, k, rule)}, b)
}

func (s *Scores) most() int { return max(s.Images, s.Captions) }

func (s *Scores) check(o Order) error {
	known := s.Rerank
	if known == All {
		known = s.most()
	}
	switch {
	case o.Rerank < All || o.Rerank > known && s.Rerank != All || o.Rerank == All && s.Rerank != All:
		return fmt.Errorf("report re-ranked %d: only %d candidates were judged: %w", o.Rerank, known, loopitr.ErrInvalid)
	case o.Rerank != 0 && o.Weight != 0 && !(s.Rule.Temperature > 0):
		return fmt.Errorf("report weight %v: temperature %v is not above zero: %w", o.Weight, s.Rule.Temperature, loopitr.ErrInvalid)
	}
	return nil
}

// place makes ranks of one direction's standings, both directions alike.
func place(standings []standing, k int, rule loopitr.ScoreRule) []recall.Query {
	out := make([]recall.Query, len(standings))
	spread((len(standings)+queryBlock-1)/queryBlock, func(b int) {
		for q := b * queryBlock; q < min((b+1)*queryBlock, len(standings)); q++ {
			s := &standings[q]
			atLeast := s.atLeast
			if k > 0 {
				atLeast = s.reranked(k, rule)
			}
			out[q] = recall.Place(s.picture, atLeast[:len(s.own)], atLeast[len(s.own):])
		}
	})
	return out
}

// reranked counts as atLeast does, in the re-ranked order: a relevant item among
// the candidates competes with them alone; any other stands behind all of them,
// where its cosine put it.
func (s *standing) reranked(k int, rule loopitr.ScoreRule) []int {
	top := s.top[:min(k, len(s.top))]
	scores := make([]float32, len(top))
	for i, c := range top {
		scores[i] = rule.Score(s.z[i], c.Score)
	}
	out := slices.Clone(s.atLeast)
	var among []int // positions in out of relevant candidates
	var their []float32
	for i, c := range top {
		if r, ok := s.relevance(c.Item); ok {
			among, their = append(among, r), append(their, scores[i])
		}
	}
	counter := recall.NewCounter(their)
	counter.Add(scores)
	for i, at := range counter.AtLeast() {
		out[among[i]] = at
	}
	return out
}
