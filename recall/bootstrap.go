package recall

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/loopitr/loopitr"
)

// What a Bootstrap's zero fields stand for.
const (
	DefaultResamples = 1000
	DefaultLevel     = 0.95
)

// Bootstrap says how intervals are made: by drawing as many pictures as there are,
// with replacement, again and again. The same settings and queries give the same
// intervals.
type Bootstrap struct {
	Resamples int     // DefaultResamples when zero; below zero: no intervals
	Level     float64 // DefaultLevel when zero
	Seed      uint64
}

// Validate names the setting that is impossible; the error wraps loopitr.ErrInvalid.
func (b Bootstrap) Validate() error {
	if b.Level < 0 || b.Level >= 1 || b.Level != b.Level {
		return fmt.Errorf("bootstrap: level %v is not in [0, 1): %w", b.Level, loopitr.ErrInvalid)
	}
	return nil
}

// sums are what the queries of one picture add to the means.
type sums struct{ queries, r1, r5, r10, rank, precision float64 }

// sample holds one direction's queries so that the figures of any reweighting of
// the pictures come quickly.
type sample struct {
	perPicture []sums
	ranks      []ranked // rising
}

type ranked struct{ rank, picture int }

func newSample(queries []Query, picture func(id int) int, pictures int) sample {
	s := sample{perPicture: make([]sums, pictures), ranks: make([]ranked, len(queries))}
	for i, q := range queries {
		p := picture(q.Picture)
		t := &s.perPicture[p]
		t.queries++
		t.r1 += within(q.Rank, 1)
		t.r5 += within(q.Rank, 5)
		t.r10 += within(q.Rank, 10)
		t.rank += float64(q.Rank)
		t.precision += q.averagePrecision()
		s.ranks[i] = ranked{q.Rank, p}
	}
	slices.SortFunc(s.ranks, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	return s
}

func within(rank, k int) float64 {
	if rank <= k {
		return 1
	}
	return 0
}

// figures counts each picture's queries as often as its weight says.
func (s sample) figures(weights []int) Figures {
	var t sums
	for p, w := range weights {
		if w == 0 {
			continue
		}
		w, one := float64(w), s.perPicture[p]
		t.queries += w * one.queries
		t.r1 += w * one.r1
		t.r5 += w * one.r5
		t.r10 += w * one.r10
		t.rank += w * one.rank
		t.precision += w * one.precision
	}
	if t.queries == 0 {
		return Figures{}
	}
	return Figures{
		R1: 100 * t.r1 / t.queries, R5: 100 * t.r5 / t.queries, R10: 100 * t.r10 / t.queries,
		MedianRank: s.median(weights, int(t.queries)), MeanRank: t.rank / t.queries,
		MAPR: 100 * t.precision / t.queries,
	}
}

// median is the mean of the two middle ranks when the count is even.
func (s sample) median(weights []int, count int) float64 {
	low, high := (count-1)/2, count/2 // positions, from 0
	seen, lower := 0, 0
	for _, r := range s.ranks {
		before := seen
		seen += weights[r.picture]
		if before <= low && low < seen {
			lower = r.rank
		}
		if before <= high && high < seen {
			return float64(lower+r.rank) / 2
		}
	}
	return 0
}

func (b Bootstrap) level() float64 { return cmp.Or(b.Level, DefaultLevel) }

// drawn holds the figures of each draw of pictures.
type drawn struct {
	images, texts []Figures
	rsum          []float64
}

// fill adds percentile intervals to the report.
func (d drawn) fill(r *Report, level float64) {
	r.ImageToText.Intervals = intervals(d.images, level)
	r.TextToImage.Intervals = intervals(d.texts, level)
	r.RSumInterval = percentiles(slices.Clone(d.rsum), level)
}

// draw depends on how many pictures there are and where each first comes, so that
// answers to the same queries are drawn alike.
func (b Bootstrap) draw(a Answers) drawn {
	ids := map[int]int{}
	compact := func(id int) int {
		p, ok := ids[id]
		if !ok {
			p = len(ids)
			ids[id] = p
		}
		return p
	}
	for _, q := range slices.Concat(a.ImageToText, a.TextToImage) {
		compact(q.Picture)
	}
	first := newSample(a.ImageToText, compact, len(ids))
	second := newSample(a.TextToImage, compact, len(ids))
	random := rand.New(rand.NewPCG(b.Seed, 0x6c6f6f7069747200)) // The second half of the seed is arbitrary and fixed.
	var d drawn
	weights := make([]int, len(ids))
	for range cmp.Or(b.Resamples, DefaultResamples) {
		clear(weights)
		for range weights {
			weights[random.IntN(len(weights))]++
		}
		images, texts := first.figures(weights), second.figures(weights)
		d.images, d.texts, d.rsum = append(d.images, images), append(d.texts, texts), append(d.rsum, recallSum(images, texts))
	}
	return d
}

func intervals(all []Figures, level float64) Intervals {
	return Intervals{
		R1:         intervalOf(all, func(f Figures) float64 { return f.R1 }, level),
		R5:         intervalOf(all, func(f Figures) float64 { return f.R5 }, level),
		R10:        intervalOf(all, func(f Figures) float64 { return f.R10 }, level),
		MedianRank: intervalOf(all, func(f Figures) float64 { return f.MedianRank }, level),
		MeanRank:   intervalOf(all, func(f Figures) float64 { return f.MeanRank }, level),
		MAPR:       intervalOf(all, func(f Figures) float64 { return f.MAPR }, level),
	}
}

// intervalOf is the interval of one field over all draws.
func intervalOf[T any](draws []T, field func(T) float64, level float64) Interval {
	values := make([]float64, len(draws))
	for i, d := range draws {
		values[i] = field(d)
	}
	return percentiles(values, level)
}

// percentiles sorts values and cuts half of what level leaves off each end, to the
// nearest value.
func percentiles(values []float64, level float64) Interval {
	slices.Sort(values)
	last := float64(len(values) - 1)
	tail := (1 - level) / 2
	return Interval{values[int(math.Round(tail*last))], values[int(math.Round((1-tail)*last))]}
}
