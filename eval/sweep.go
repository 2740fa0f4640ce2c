package eval

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/recall"
)

// timedQueries is how many queries each latency of a sweep is the median of.
const timedQueries = 15

// Point is what one number of candidates gives and costs.
type Point struct {
	K int `json:"k"`
	recall.Report
	// QuerySeconds is the median time to judge the candidates of one caption
	// whose states, and whose candidates' states, are at hand.
	QuerySeconds float64 `json:"query_seconds"`
}

// SweepConfig says how to measure how many candidates.
type SweepConfig struct {
	// Config.Rerank is not heeded.
	Config
	// Candidates are the numbers to measure; 0 is the dual encoder alone.
	Candidates []int
}

// Sweep measures every number of candidates by the matcher's own rule, from one
// run of the network. Points come back in rising order, each once. Errors are
// Measure's; a number below zero wraps loopitr.ErrInvalid.
func Sweep(ctx context.Context, m Model, split Split, config SweepConfig) ([]Point, error) {
	c, ks := config.Config, slices.Clone(config.Candidates)
	slices.Sort(ks)
	ks = slices.Compact(ks)
	if len(ks) == 0 || ks[0] < 0 {
		return nil, fmt.Errorf("sweep %v: candidates must be zero or more: %w", ks, loopitr.ErrInvalid)
	}
	c.Rerank = ks[len(ks)-1]
	s, err := measure(ctx, m, split, c)
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	points := make([]Point, len(ks))
	for i, k := range ks {
		points[i].K = k
		if points[i].Report, err = s.scores.Report(Order{Rerank: k, Weight: s.scores.Rule.Weight}, c.Bootstrap); err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
	}
	if c.Rerank == 0 {
		return points, nil
	}
	if err := s.latencies(ctx, points); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	return points, nil
}

// latencies runs the matcher on evenly spaced captions, each with the candidates
// that a text query would have. One caption comes after the other, so that no more
// than one query's states are held beside those that fit.
func (s *session) latencies(ctx context.Context, points []Point) error {
	n := min(timedQueries, s.texts.count)
	seconds := make([][]float64, len(points))
	for q := range n {
		pairs, err := s.queryPairs(ctx, q*s.texts.count/n)
		if err != nil {
			return err
		}
		for i, p := range points {
			if p.K == 0 {
				continue
			}
			took, err := s.timeMatch(ctx, pairs[:min(p.K, len(pairs))], q == 0)
			if err != nil {
				return err
			}
			seconds[i] = append(seconds[i], took)
		}
	}
	for i := range points {
		if points[i].K > 0 {
			slices.Sort(seconds[i])
			points[i].QuerySeconds = seconds[i][n/2]
		}
	}
	return nil
}

// timeMatch times one call of the matcher. The first of each shape compiles it and
// does not count.
func (s *session) timeMatch(ctx context.Context, pairs []loopitr.Pair, first bool) (float64, error) {
	if first {
		if _, err := s.model.Matcher.Match(ctx, pairs); err != nil {
			return 0, err
		}
	}
	start := time.Now()
	_, err := s.model.Matcher.Match(ctx, pairs)
	return time.Since(start).Seconds(), err
}

func (s *session) queryPairs(ctx context.Context, caption int) ([]loopitr.Pair, error) {
	text, err := s.texts.statesOf(ctx, caption, caption+1, 1)
	if err != nil {
		return nil, err
	}
	var pairs []loopitr.Pair
	for _, t := range s.scores.layout.texts[caption].top {
		image, err := s.images.statesOf(ctx, t.Item, t.Item+1, 1)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, loopitr.Pair{Text: text[0], Image: image[0]})
	}
	return pairs, nil
}
