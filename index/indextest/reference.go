package indextest

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/loopitr/loopitr"
)

// reference is an index as simple as can be: what every other is compared with.
type reference struct {
	items   map[string]loopitr.Item
	vectors map[loopitr.Hash]loopitr.Vector
}

func newReference() *reference {
	return &reference{items: map[string]loopitr.Item{}, vectors: map[loopitr.Hash]loopitr.Vector{}}
}

func (r *reference) put(e loopitr.Entry) {
	r.items[e.Path] = e.Item
	r.vectors[e.Hash] = e.Vector
}

func (r *reference) sorted() []loopitr.Item {
	items := []loopitr.Item{}
	for _, i := range r.items {
		items = append(items, i)
	}
	slices.SortFunc(items, func(a, b loopitr.Item) int { return cmp.Compare(a.Path, b.Path) })
	return items
}

func (r *reference) holds(h loopitr.Hash) bool {
	for _, i := range r.items {
		if i.Hash == h {
			return true
		}
	}
	return false
}

// nearest scores everything, in double precision.
func (r *reference) nearest(l loopitr.Lookup) []loopitr.Neighbour {
	var found []loopitr.Neighbour
	at := map[loopitr.Hash]int{}
	for _, i := range r.sorted() {
		if !l.Filter.Match(i) {
			continue
		}
		if n, seen := at[i.Hash]; seen {
			found[n].Duplicates = append(found[n].Duplicates, i.Path)
			continue
		}
		at[i.Hash] = len(found)
		found = append(found, loopitr.Neighbour{Item: i, Cosine: float32(dot(l.Vector, r.vectors[i.Hash]))})
	}
	slices.SortStableFunc(found, func(a, b loopitr.Neighbour) int { return cmp.Compare(b.Cosine, a.Cosine) })
	return found[:min(l.Count, len(found))]
}

// same compares neighbours: paths and duplicates exactly, cosines as the store
// promises.
func same(t testing.TB, s Store, want, got []loopitr.Neighbour) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d neighbours, want %d: %v, want %v", len(got), len(want), paths(got), paths(want))
	}
	for i := range want {
		if math.Abs(float64(want[i].Cosine)-float64(got[i].Cosine)) > s.CosineError {
			t.Errorf("neighbour %d: cosine %v, want %v", i, got[i].Cosine, want[i].Cosine)
		}
		got[i].Cosine = want[i].Cosine
	}
	diff(t, "neighbours", want, got)
}
