package recall

import (
	"cmp"
	"container/heap"
	"slices"
)

// Candidate is a gallery item and its score.
type Candidate struct {
	Item  int
	Score float32
}

// Top keeps the k highest-scored items of those added. At equal scores the lower
// item stays, whatever the order of adding. It belongs to one goroutine.
type Top struct {
	k    int
	heap lowest
}

// NewTop returns an empty Top for k items; k of zero or less keeps none.
func NewTop(k int) *Top { return &Top{k: max(k, 0)} }

// Add takes a block of scores for the items first, first+1, ...
func (t *Top) Add(first int, block []float32) {
	if t.k == 0 {
		return
	}
	for i, s := range block {
		c := Candidate{Item: first + i, Score: ordered(s)}
		switch {
		case len(t.heap) < t.k:
			heap.Push(&t.heap, c)
		case worse(t.heap[0], c):
			t.heap[0] = c
			heap.Fix(&t.heap, 0)
		}
	}
}

// Sorted returns what was kept, best first. Fewer than k were added when it is shorter.
func (t *Top) Sorted() []Candidate {
	out := slices.Clone([]Candidate(t.heap))
	slices.SortFunc(out, func(a, b Candidate) int {
		return cmp.Or(-cmp.Compare(a.Score, b.Score), cmp.Compare(a.Item, b.Item))
	})
	return out
}

func worse(a, b Candidate) bool {
	return a.Score < b.Score || a.Score == b.Score && a.Item > b.Item
}

// lowest is a heap with the worst candidate on top.
type lowest []Candidate

func (h lowest) Len() int           { return len(h) }
func (h lowest) Less(i, j int) bool { return worse(h[i], h[j]) }
func (h lowest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lowest) Push(x any)        { *h = append(*h, x.(Candidate)) }
func (h *lowest) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
