package recall_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/recall"
	"pgregory.net/rapid"
)

// found is one query of each of n pictures, which hit says is answered first or
// second.
func found(n int, hit func(picture int) bool) recall.Answers {
	var a recall.Answers
	for i := range n {
		rank := 2
		if hit(i) {
			rank = 1
		}
		a.ImageToText = append(a.ImageToText, query(i, rank))
	}
	a.TextToImage = a.ImageToText
	return a
}

func gap(a, b recall.Answers, s recall.Bootstrap) (recall.Gap, error) {
	above, err := recall.Measure(a, s)
	if err != nil {
		return recall.Gap{}, err
	}
	below, err := recall.Measure(b, s)
	if err != nil {
		return recall.Gap{}, err
	}
	return above.GapTo(below)
}

func TestGapIsMeasuredOnTheSameDraws(t *testing.T) {
	half := found(400, func(i int) bool { return i%10 < 5 })
	more := found(400, func(i int) bool { return i%10 < 6 })
	g, err := gap(more, half, recall.Bootstrap{})
	if err != nil {
		t.Fatal(err)
	}
	want := recall.Gap{ImageToText: recall.DirectionGap{R1: 10, MAPR: 10}, TextToImage: recall.DirectionGap{R1: 10, MAPR: 10}, RSum: 20}
	if diff := cmp.Diff(want, g, cmpopts.EquateApprox(0, 1e-9), cmpopts.IgnoreTypes(recall.GapIntervals{}, recall.Interval{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A tenth of 400 pictures makes the difference: its standard error is
	// 100 sqrt(0.1 0.9 / 400) = 1.5 points; unpaired it would be 3.5.
	r1 := g.ImageToText.Intervals.R1
	if math.Abs(r1[0]-(10-1.96*1.5)) > 0.7 || math.Abs(r1[1]-(10+1.96*1.5)) > 0.7 {
		t.Errorf("interval of R@1: got %v", r1)
	}
	if none := (recall.Interval{}); g.ImageToText.Intervals.R5 != none || g.ImageToText.Intervals.R10 != none {
		t.Errorf("every query is within 5 in both: got %+v", g.ImageToText.Intervals)
	}
	if math.Abs(g.RSumInterval[0]-2*r1[0]) > 1e-9 || math.Abs(g.RSumInterval[1]-2*r1[1]) > 1e-9 {
		t.Errorf("interval of the sum: got %v, want twice %v", g.RSumInterval, r1)
	}
}

func TestGapTurnsRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) recall.Answers {
			var a recall.Answers
			ranks := rapid.SliceOfN(rapid.IntRange(1, 12), 8, 8).Draw(t, name)
			for i, r := range ranks {
				a.ImageToText, a.TextToImage = append(a.ImageToText, query(i, r)), append(a.TextToImage, query(i/2, r))
			}
			return a
		}
		a, b := draw("a"), draw("b")
		s := recall.Bootstrap{Resamples: 41, Seed: rapid.Uint64().Draw(t, "seed")}
		there, err := gap(a, b, s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := gap(b, a, s)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(there.RSum+back.RSum) > 1e-9 || math.Abs(there.RSumInterval[0]+back.RSumInterval[1]) > 1e-9 {
			t.Fatalf("there %+v, back %+v", there, back)
		}
		same, err := gap(a, a, s)
		if err != nil || same != (recall.Gap{}) {
			t.Fatalf("with itself: got %+v, %v", same, err)
		}
	})
}

func TestGapNeedsTheSameQueriesAndDraws(t *testing.T) {
	all := func(int) bool { return true }
	three, four := found(3, all), found(4, all)
	renamed := found(3, all)
	renamed.TextToImage = []recall.Query{query(0, 1), query(2, 1), query(1, 1)}
	impossible := found(3, all)
	impossible.ImageToText = []recall.Query{query(0, 1), query(1, 0), query(2, 1)}
	for name, b := range map[string]recall.Answers{"more": four, "another order": renamed, "impossible": impossible} {
		if _, err := gap(three, b, recall.Bootstrap{}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	if _, err := gap(three, three, recall.Bootstrap{Level: 1}); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("level 1: got %v, want ErrInvalid", err)
	}
	if g, err := gap(three, three, recall.Bootstrap{Resamples: -1}); err != nil || g != (recall.Gap{}) {
		t.Errorf("without resamples: got %+v, %v", g, err)
	}
	above, err := recall.Measure(three, recall.Bootstrap{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	below, err := recall.Measure(three, recall.Bootstrap{Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := above.GapTo(below); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("other draws: got %v, want ErrInvalid", err)
	}
}
