package sqlite

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/simd"
)

// probeVector is a query as int8 and as it was.
//
// With q = q' + f and v = v' + e, where q' and v' are what the codes say,
// q.v = q'.v' + q'.e + f.v, so by Cauchy and Schwarz q'.v' is off by at most
// |q'||e| + |f||v|. With the query itself, q.v' is off by at most |q||e|.
type probeVector struct {
	exact           loopitr.Vector
	codes           []int8
	scale           float64
	length, missing float64 // |q'|, |f|
	exactLength     float64 // |q|
}

// slack covers the rounding of the result to float32 and of the sums before it.
const slack = 0x1p-22

func newProbe(v loopitr.Vector) probeVector {
	var one block
	one.add(0, v)
	q := probeVector{exact: v, codes: one.codes, scale: float64(one.scales[0]), missing: float64(one.errors[0])}
	var squares float64
	for _, c := range q.codes {
		squares += float64(c) * float64(c)
	}
	q.length = q.scale*math.Sqrt(squares) + slack
	q.exactLength = math.Sqrt(cosine(v, v)) + slack
	return q
}

// candidate is a row whose cosine lies in middle-radius..middle+radius.
type candidate struct {
	row            int
	middle, radius float64
}

func (c candidate) lower() float64 { return c.middle - c.radius }
func (c candidate) upper() float64 { return c.middle + c.radius }

// rough bounds a row's cosine by the integer product of its codes and the query's.
func (q *probeVector) rough(b *block, r int, product int32) candidate {
	return candidate{
		row:    r,
		middle: float64(product) * q.scale * float64(b.scales[r]),
		radius: q.length*float64(b.errors[r]) + q.missing*(1+unitTolerance) + slack,
	}
}

// fine bounds it more tightly with the query as it was: about half the radius.
func (q *probeVector) fine(b *block, r int) candidate {
	var sum float64
	for i, c := range b.row(r) {
		sum += float64(q.exact[i]) * float64(c)
	}
	return candidate{row: r, middle: sum * float64(b.scales[r]), radius: q.exactLength*float64(b.errors[r]) + slack}
}

// shortlist collects the rows that could be among the count best: those whose
// upper bound reaches the count-th best lower bound seen so far.
type shortlist struct {
	count  int
	lowest []float64 // heap of the count best lower bounds, least first
	rows   []candidate
}

func (s *shortlist) threshold() float64 {
	if len(s.lowest) < s.count {
		return math.Inf(-1)
	}
	return s.lowest[0]
}

func (s *shortlist) offer(c candidate) {
	if c.upper() < s.threshold() {
		return
	}
	s.raise(c.lower())
	s.rows = append(s.rows, c)
	if len(s.rows) >= 1024+4*s.count && len(s.rows) == cap(s.rows) {
		s.prune() // before append doubles the memory
	}
}

// raise puts a lower bound into the heap.
func (s *shortlist) raise(bound float64) {
	h := s.lowest
	if len(h) < s.count {
		h = append(h, bound)
		for i := len(h) - 1; i > 0 && h[i] < h[(i-1)/2]; i = (i - 1) / 2 {
			h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
		}
		s.lowest = h
		return
	}
	if bound <= h[0] {
		return
	}
	h[0] = bound
	for i := 0; ; {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(h) && h[child] < h[least] {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

func (s *shortlist) prune() {
	threshold := s.threshold()
	s.rows = slices.DeleteFunc(s.rows, func(c candidate) bool { return c.upper() < threshold })
}

// stretch is how many rows a goroutine takes at a time: enough that taking them
// costs nothing, few enough that a cancelled search ends within a millisecond.
const stretch = 4096

// scanner is what one goroutine scans a block with, and what it found.
type scanner struct {
	*block
	q        *probeVector
	allowed  []bool // nil: every row may be found
	products []int32
	bounds   []float32
	found    shortlist
}

// scan returns, by falling upper bound, all rows that could be among the count
// best. allowed is nil when every row may be found.
func (b *block) scan(ctx context.Context, q *probeVector, allowed []bool, count int) ([]candidate, error) {
	stretches := (b.rows() + stretch - 1) / stretch
	lists := make([]shortlist, min(stretches, runtime.GOMAXPROCS(0)))
	var next atomic.Int64
	var workers sync.WaitGroup
	for w := range lists {
		workers.Go(func() {
			s := scanner{block: b, q: q, allowed: allowed, products: make([]int32, stretch), bounds: make([]float32, stretch), found: shortlist{count: count}}
			for ctx.Err() == nil {
				first := int(next.Add(1)-1) * stretch
				if first >= b.rows() {
					break
				}
				s.offerRows(first)
			}
			lists[w] = s.found
		})
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return b.refine(q, lists, count), nil
}

// offerRows offers the allowed rows of the stretch that begins at first, run by run.
func (s *scanner) offerRows(first int) {
	end := min(first+stretch, s.rows())
	for first < end {
		run := first
		for first < end && (s.allowed == nil || s.allowed[first]) {
			first++
		}
		products := s.products[:first-run]
		simd.DotInt8(products, s.q.codes, s.codes[run*s.dimensions:])
		s.offerRun(run, products)
		for first < end && s.allowed != nil && !s.allowed[first] {
			first++
		}
	}
}

// vectorSlack covers the rounding of bounds in float32, whose parts are at most two.
const vectorSlack = 0x1p-20

// offerRun offers the rows from run on whose codes have these products with the query's.
// Nearly all of them are far below the threshold: that is found out many at a time.
func (s *scanner) offerRun(run int, products []int32) {
	bounds := s.bounds[:len(products)]
	simd.DotBounds{
		Scales: s.scales[run:], Errors: s.errors[run:], Scale: float32(s.q.scale), Length: float32(s.q.length),
		Constant: float32(s.q.missing*(1+unitTolerance) + slack + vectorSlack),
	}.Of(bounds, products)
	threshold := s.found.threshold()
	for i, upper := range bounds {
		if !(float64(upper) < threshold) {
			s.found.offer(s.q.rough(s.block, run+i, products[i]))
			threshold = s.found.threshold()
		}
	}
}

// refine joins the workers' lists and tightens the bounds.
func (b *block) refine(q *probeVector, lists []shortlist, count int) []candidate {
	all := shortlist{count: count}
	for i := range lists {
		lists[i].prune()
		for _, c := range lists[i].rows {
			all.offer(c)
		}
	}
	all.prune()
	tight := shortlist{count: count}
	for _, c := range all.rows {
		tight.offer(q.fine(b, c.row))
	}
	tight.prune()
	slices.SortFunc(tight.rows, func(a, c candidate) int {
		switch {
		case a.upper() > c.upper():
			return -1
		case a.upper() < c.upper():
			return 1
		}
		return a.row - c.row
	})
	return tight.rows
}
