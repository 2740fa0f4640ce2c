package eval

import (
	"context"
	"slices"

	"github.com/loopitr/loopitr/recall"
)

// standing is how one query came out by cosine.
type standing struct {
	picture     int     // the query's picture, for the bootstrap
	own, others []int32 // relevant gallery items, rising: the query's own, and those of equal captions
	// atLeast counts, for own and then others, the gallery items whose cosine is
	// not below theirs.
	atLeast []int
	top     []recall.Candidate // the candidates, best first
	z       []float32          // of each candidate, when they were judged
}

// relevance returns where in atLeast a gallery item is counted.
func (s *standing) relevance(item int) (i int, ok bool) {
	if i, ok = slices.BinarySearch(s.own, int32(item)); ok {
		return i, true
	}
	i, ok = slices.BinarySearch(s.others, int32(item))
	return len(s.own) + i, ok
}

const (
	queryBlock   = 64
	galleryBlock = 512
)

// direction is who asks for whom, and how many each query keeps: k, or All.
type direction struct {
	queries, gallery *side
	k                int
}

// stand ranks the gallery for every query by cosine and keeps each one's k best.
// Both directions go through it. Scores are made block by block, and the same
// pair's score has the same bits in every block and in both directions.
func (d direction) stand(ctx context.Context, standings []standing) error {
	if d.k == All {
		d.k = d.gallery.count
	}
	blocks := (len(standings) + queryBlock - 1) / queryBlock
	spread(blocks, func(b int) {
		if ctx.Err() == nil {
			from := b * queryBlock
			d.standBlock(block{from, standings[from:min(from+queryBlock, len(standings))]})
		}
	})
	return ctx.Err()
}

type block struct {
	from      int
	standings []standing
}

func (d direction) standBlock(b block) {
	queries, gallery := d.queries, d.gallery
	width := gallery.width
	row := func(s *side, i int) []float32 { return s.vector[i*width : (i+1)*width] }
	counters := make([]*recall.Counter, len(b.standings))
	tops := make([]*recall.Top, len(b.standings))
	for i := range b.standings {
		query := row(queries, b.from+i)
		var scores []float32
		for _, item := range slices.Concat(b.standings[i].own, b.standings[i].others) {
			scores = append(scores, dot(query, row(gallery, int(item))))
		}
		counters[i], tops[i] = recall.NewCounter(scores), recall.NewTop(d.k)
	}
	scores := make([]float32, galleryBlock)
	for at := 0; at < gallery.count; at += galleryBlock {
		scores := scores[:min(galleryBlock, gallery.count-at)]
		for i := range b.standings {
			dots(scores, row(queries, b.from+i), gallery.vector[at*width:])
			counters[i].Add(scores)
			tops[i].Add(at, scores)
		}
	}
	for i := range b.standings {
		b.standings[i].atLeast = counters[i].AtLeast()
		b.standings[i].top = tops[i].Sorted()
	}
}

// dot sums in the order of the elements. The conversions forbid fused
// multiply-add, which would make dot and dots differ on some processors.
func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var sum float32
	for i, v := range a {
		sum += float32(v * b[i])
	}
	return sum
}

// dots fills scores with the query's dot products with the rows of gallery. Four
// rows at a time keep the processor's adders busy; each sum is made as dot makes it.
func dots(scores, query, gallery []float32) {
	n := len(query)
	i := 0
	for ; i+4 <= len(scores); i += 4 {
		g := gallery[i*n : (i+4)*n]
		g0, g1, g2, g3 := g[:n], g[n:][:n], g[2*n:][:n], g[3*n:][:n]
		var s0, s1, s2, s3 float32
		for d, v := range query {
			s0 += float32(v * g0[d])
			s1 += float32(v * g1[d])
			s2 += float32(v * g2[d])
			s3 += float32(v * g3[d])
		}
		scores[i], scores[i+1], scores[i+2], scores[i+3] = s0, s1, s2, s3
	}
	for ; i < len(scores); i++ {
		scores[i] = dot(query, gallery[i*n:(i+1)*n])
	}
}
