package recall

import (
	"math"
	"slices"
)

// Counter counts, over a gallery whose scores come in blocks of any size and
// order, how many stand at or above each of a few given scores. One query's
// counter belongs to one goroutine.
type Counter struct {
	sorted []float32 // distinct, rising
	counts []int     // counts[i] scores in [sorted[i], sorted[i+1])
	place  []int     // place[i] is where scores[i] went in sorted
}

// NewCounter returns a counter for the scores of a query's relevant items. They
// must be the same numbers, bit by bit, that Add will see for these items.
func NewCounter(scores []float32) *Counter {
	c := &Counter{place: make([]int, len(scores))}
	for _, s := range scores {
		c.sorted = append(c.sorted, ordered(s))
	}
	slices.Sort(c.sorted)
	c.sorted = slices.Compact(c.sorted)
	c.counts = make([]int, len(c.sorted))
	for i, s := range scores {
		c.place[i], _ = slices.BinarySearch(c.sorted, ordered(s))
	}
	return c
}

// ordered puts NaN, which no comparison orders, below every number.
func ordered(s float32) float32 {
	if s != s {
		return float32(math.Inf(-1))
	}
	return s
}

// Add counts a block of gallery scores.
func (c *Counter) Add(block []float32) {
	if len(c.sorted) == 0 {
		return
	}
	lowest := c.sorted[0]
	for _, s := range block {
		if s < lowest {
			continue
		}
		s = ordered(s)
		i, found := slices.BinarySearch(c.sorted, s)
		if !found {
			i-- // The highest that s is not below.
		}
		if i >= 0 {
			c.counts[i]++
		}
	}
}

// AtLeast returns, for each score given to NewCounter and in that order, how many
// of the scores added so far are not below it. An item counts itself.
func (c *Counter) AtLeast() []int {
	above := make([]int, len(c.counts))
	sum := 0
	for i := len(c.counts) - 1; i >= 0; i-- {
		sum += c.counts[i]
		above[i] = sum
	}
	out := make([]int, len(c.place))
	for i, p := range c.place {
		out[i] = above[p]
	}
	return out
}

// Query is how one query came out.
type Query struct {
	// Picture is what the bootstrap resamples: the picture that asks, or the
	// picture of the caption that asks.
	Picture int
	// Rank of the best own partner, from 1.
	Rank int
	// Positives are the ranks of everything relevant, own partners among them,
	// rising.
	Positives []int
}

// Place makes ranks of counts: own holds for each of the query's own partners, and
// others for each other relevant item, how many items of the gallery stand at or
// above it, itself included (see Counter.AtLeast). At equal scores wrong items
// stand first. There must be an own partner.
func Place(picture int, own, others []int) Query {
	best := slices.Min(own)
	all := slices.Concat(own, others)
	slices.Sort(all)
	q := Query{Picture: picture, Rank: 1 + best - notAbove(own, best), Positives: make([]int, len(all))}
	for i, at := range all {
		q.Positives[i] = i + 1 + at - notAbove(all, at)
	}
	return q
}

func notAbove(counts []int, limit int) int {
	n := 0
	for _, c := range counts {
		if c <= limit {
			n++
		}
	}
	return n
}
