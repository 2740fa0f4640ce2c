package recall_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loopitr/loopitr/recall"
	"pgregory.net/rapid"
)

var nan = float32(math.NaN())

func TestPlaceCountsTiesAgainstUs(t *testing.T) {
	tests := []struct {
		name        string
		scores      []float32
		own, others []int // items
		rank        int
		positives   []int
	}{
		{"alone on top", []float32{3, 2, 1}, []int{0}, nil, 1, []int{1}},
		{"at the end", []float32{3, 2, 1}, []int{2}, nil, 3, []int{3}},
		{"tied with one wrong", []float32{3, 3, 1}, []int{0}, nil, 2, []int{2}},
		{"all equal", []float32{5, 5, 5, 5}, []int{1}, nil, 4, []int{4}},
		{"best of several own", []float32{1, 9, 4, 7, 5}, []int{0, 2, 3}, nil, 2, []int{2, 4, 5}},
		{"own tied among themselves", []float32{7, 7, 7, 1}, []int{0, 1, 2}, nil, 1, []int{1, 2, 3}},
		{"own tied with one wrong", []float32{7, 7, 7, 1}, []int{0, 1}, nil, 2, []int{2, 3}},
		{"other relevant is wrong for the rank and right for the positives", []float32{9, 8, 1}, []int{1}, []int{0}, 2, []int{1, 2}},
		{"other relevant tied", []float32{8, 8, 1}, []int{1}, []int{0}, 2, []int{1, 2}},
		{"one item", []float32{0}, []int{0}, nil, 1, []int{1}},
		{"NaN stands last", []float32{nan, -1e30, 0}, []int{0}, nil, 3, []int{3}},
		{"all NaN", []float32{nan, nan, nan}, []int{0}, nil, 3, []int{3}},
		{"wrong NaN stays behind", []float32{nan, 1, nan}, []int{1}, nil, 1, []int{1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := place(tt.scores, tt.own, tt.others, 2)
			want := recall.Query{Rank: tt.rank, Positives: tt.positives}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// place counts a gallery's scores in blocks.
func place(scores []float32, own, others []int, block int) recall.Query {
	var relevant []float32
	for _, item := range slices.Concat(own, others) {
		relevant = append(relevant, scores[item])
	}
	c := recall.NewCounter(relevant)
	for b := range slices.Chunk(scores, block) {
		c.Add(b)
	}
	counts := c.AtLeast()
	return recall.Place(0, counts[:len(own)], counts[len(own):])
}

// plain sorts the whole gallery, wrong items first at equal scores.
func plain(scores []float32, relevant map[int]bool) (ranks []int) {
	items := make([]int, len(scores))
	for i := range items {
		items[i] = i
	}
	slices.SortStableFunc(items, func(a, b int) int {
		switch {
		case scores[a] != scores[b]:
			if scores[a] > scores[b] {
				return -1
			}
			return 1
		case relevant[a] != relevant[b]:
			if relevant[b] {
				return -1
			}
			return 1
		}
		return 0
	})
	for i, item := range items {
		if relevant[item] {
			ranks = append(ranks, i+1)
		}
	}
	return ranks
}

func TestPlaceEqualsSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few distinct values, so that ties abound.
		scores := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float32 {
			return float32(rapid.IntRange(-3, 3).Draw(t, "score"))
		}), 1, 30).Draw(t, "scores")
		items := rapid.Permutation(indices(len(scores))).Draw(t, "items")
		own := items[:rapid.IntRange(1, min(4, len(items))).Draw(t, "own")]
		others := items[len(own) : len(own)+rapid.IntRange(0, min(3, len(items)-len(own))).Draw(t, "others")]
		got := place(scores, own, others, rapid.IntRange(1, 7).Draw(t, "block"))
		if want := plain(scores, set(own))[0]; got.Rank != want {
			t.Fatalf("rank: got %d, want %d", got.Rank, want)
		}
		if want := plain(scores, set(own, others)); !slices.Equal(got.Positives, want) {
			t.Fatalf("positives: got %v, want %v", got.Positives, want)
		}
	})
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func set(lists ...[]int) map[int]bool {
	m := map[int]bool{}
	for _, i := range slices.Concat(lists...) {
		m[i] = true
	}
	return m
}

func TestTopEqualsSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float32 {
			return float32(rapid.IntRange(-3, 3).Draw(t, "score"))
		}), 0, 30).Draw(t, "scores")
		k := rapid.IntRange(-1, 40).Draw(t, "k")
		top := recall.NewTop(k)
		// Blocks in any order.
		const block = 4
		for _, b := range rapid.Permutation(indices((len(scores)+block-1)/block)).Draw(t, "blocks") {
			top.Add(b*block, scores[b*block:min(b*block+block, len(scores))])
		}
		items := indices(len(scores))
		slices.SortStableFunc(items, func(a, b int) int { return int(scores[b] - scores[a]) })
		var want []recall.Candidate
		for _, item := range items[:min(max(k, 0), len(items))] {
			want = append(want, recall.Candidate{Item: item, Score: scores[item]})
		}
		if diff := cmp.Diff(want, top.Sorted(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func ExamplePlace() {
	// One picture asks among five captions; captions 1 and 3 are its own. Wrong
	// caption 0 is as good as caption 3, so it stands before it.
	scores := []float32{0.4, 0.9, 0.1, 0.4, 0.2}
	c := recall.NewCounter([]float32{scores[1], scores[3]})
	c.Add(scores[:2])
	c.Add(scores[2:])
	q := recall.Place(0, c.AtLeast(), nil)
	fmt.Println(q.Rank, q.Positives)
	// Output: 1 [1 3]
}

func FuzzPlace(f *testing.F) {
	f.Add([]byte{1, 2, 3, 2}, uint8(1), uint8(1))
	f.Add([]byte{9, 9, 9, 9, 255}, uint8(3), uint8(0))
	f.Fuzz(func(t *testing.T, raw []byte, own, others uint8) {
		if len(raw) == 0 {
			return
		}
		scores := make([]float32, len(raw))
		for i, b := range raw {
			// The upper byte of a float, so that infinities, NaN and both zeros come up.
			scores[i] = math.Float32frombits(uint32(b)<<24 | 0x00ff0000)
		}
		items := indices(len(scores))
		n := 1 + int(own)%len(items)
		m := n + int(others)%(len(items)-n+1)
		q := place(scores, items[:n], items[n:m], 3)
		r, err := recall.Summarize(recall.Answers{ImageToText: []recall.Query{q}, TextToImage: []recall.Query{q}}, recall.Bootstrap{Resamples: 3})
		if err != nil {
			t.Fatalf("%v gave %+v: %v", scores, q, err)
		}
		if math.IsNaN(r.RSum) || r.RSum < 0 || r.RSum > 600 || math.IsNaN(r.ImageToText.MAPR) || q.Rank > len(scores) {
			t.Fatalf("%v gave %+v", scores, r)
		}
	})
}
