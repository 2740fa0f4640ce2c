package recall_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/recall"
	"pgregory.net/rapid"
)

func query(picture, rank int, positives ...int) recall.Query {
	if positives == nil {
		positives = []int{rank}
	}
	return recall.Query{Picture: picture, Rank: rank, Positives: positives}
}

func TestFiguresByHand(t *testing.T) {
	tests := []struct {
		name    string
		queries []recall.Query
		want    recall.Figures
	}{
		{"none", nil, recall.Figures{}},
		{"one perfect", []recall.Query{query(0, 1)}, recall.Figures{R1: 100, R5: 100, R10: 100, MedianRank: 1, MeanRank: 1, MAPR: 100}},
		{"borders", []recall.Query{query(0, 1), query(1, 5), query(2, 6), query(3, 10), query(4, 11)},
			recall.Figures{R1: 20, R5: 40, R10: 80, MedianRank: 6, MeanRank: 6.6, MAPR: 20}},
		{"even count", []recall.Query{query(0, 4), query(0, 1), query(1, 2), query(1, 9)},
			recall.Figures{R1: 25, R5: 75, R10: 100, MedianRank: 3, MeanRank: 4, MAPR: 25}},
		// R = 3: places 1 and 3 hold positives: (1/1 + 2/3) / 3.
		{"precision at R", []recall.Query{query(0, 1, 1, 3, 7)},
			recall.Figures{R1: 100, R5: 100, R10: 100, MedianRank: 1, MeanRank: 1, MAPR: 100 * (1 + 2.0/3) / 3}},
		{"all positives behind R", []recall.Query{query(0, 3, 3, 4)},
			recall.Figures{R5: 100, R10: 100, MedianRank: 3, MeanRank: 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := recall.Summarize(recall.Answers{ImageToText: tt.queries}, recall.Bootstrap{Resamples: -1})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, r.ImageToText.Figures, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			other, err := recall.Summarize(recall.Answers{TextToImage: tt.queries}, recall.Bootstrap{Resamples: -1})
			if err != nil {
				t.Fatal(err)
			}
			if other.TextToImage != r.ImageToText || other.RSum != r.RSum || r.RSum != tt.want.R1+tt.want.R5+tt.want.R10 {
				t.Errorf("the directions differ: %v and %v", r, other)
			}
		})
	}
}

func TestConstantModelFindsNothing(t *testing.T) {
	const pictures, captions = 100, 5
	scores := make([]float32, pictures*captions)
	var images, texts []recall.Query
	for i := range pictures {
		own := []int{5 * i, 5*i + 1, 5*i + 2, 5*i + 3, 5*i + 4}
		q := place(scores, own, nil, 64)
		q.Picture = i
		images = append(images, q)
		for range own {
			q := place(scores[:pictures], []int{i}, nil, 64)
			q.Picture = i
			texts = append(texts, q)
		}
	}
	r, err := recall.Summarize(recall.Answers{ImageToText: images, TextToImage: texts}, recall.Bootstrap{})
	if err != nil {
		t.Fatal(err)
	}
	if r.RSum != 0 || r.ImageToText.MAPR != 0 || r.TextToImage.MeanRank != pictures || r.ImageToText.MedianRank != pictures*captions-captions+1 {
		t.Errorf("got %+v", r)
	}
}

func TestImpossibleRanksAreRefused(t *testing.T) {
	for _, q := range []recall.Query{
		query(0, 0), query(0, -1, 1), {Rank: 1}, query(0, 1, 0), query(0, 1, 2, 2), query(0, 1, 3, 2),
	} {
		if _, err := recall.Summarize(recall.Answers{ImageToText: []recall.Query{q}}, recall.Bootstrap{}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%+v: got %v, want ErrInvalid", q, err)
		}
	}
	for _, level := range []float64{-0.1, 1, math.NaN()} {
		if _, err := recall.Summarize(recall.Answers{}, recall.Bootstrap{Level: level}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("level %v: got %v, want ErrInvalid", level, err)
		}
	}
}

func TestFiguresHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		queries := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) recall.Query {
			return query(rapid.IntRange(-2, 5).Draw(t, "picture"), rapid.IntRange(1, 30).Draw(t, "rank"))
		}), 1, 20).Draw(t, "queries")
		b := recall.Bootstrap{Resamples: 40, Seed: rapid.Uint64().Draw(t, "seed")}
		r, err := recall.Summarize(recall.Answers{ImageToText: queries, TextToImage: queries}, b)
		if err != nil {
			t.Fatal(err)
		}
		f := r.ImageToText
		if r.TextToImage != f {
			t.Fatal("the directions differ")
		}
		if f.R1 > f.R5 || f.R5 > f.R10 || f.R10 > 100 || f.MAPR != f.R1 || f.MedianRank < 1 {
			t.Fatalf("figures out of order: %+v", f)
		}
		for k, want := range map[int]float64{1: f.R1, 5: f.R5, 10: f.R10} {
			if got := recall.At(queries, k); math.Abs(got-want) > 1e-9 {
				t.Fatalf("At(%d): got %v, want %v", k, got, want)
			}
		}
		renamed := slices.Clone(queries)
		for i := range renamed {
			renamed[i].Picture = 7 - 3*renamed[i].Picture
		}
		again, err := recall.Summarize(recall.Answers{ImageToText: renamed, TextToImage: renamed}, b)
		if err != nil {
			t.Fatal(err)
		}
		if again != r {
			t.Fatal("names of the pictures changed the report")
		}
	})
}

func TestIntervalsAreDeterministicAndCover(t *testing.T) {
	var queries []recall.Query
	for i := range 400 {
		queries = append(queries, query(i, 1+i%4)) // R@1 is 25 %.
	}
	b := recall.Bootstrap{Seed: 1}
	r, err := recall.Summarize(recall.Answers{ImageToText: queries, TextToImage: queries}, b)
	if err != nil {
		t.Fatal(err)
	}
	// A share of 0.25 of 400 has a standard error of 2.17 points.
	low, high := r.ImageToText.Intervals.R1[0], r.ImageToText.Intervals.R1[1]
	if math.Abs(low-(25-1.96*2.165)) > 0.8 || math.Abs(high-(25+1.96*2.165)) > 0.8 {
		t.Errorf("interval of R@1: got [%v, %v]", low, high)
	}
	// Both directions are resampled together, so the sum's interval is as wide as twice one direction's.
	if width := r.RSumInterval[1] - r.RSumInterval[0]; math.Abs(width-2*(high-low)) > 1e-9 {
		t.Errorf("interval of the sum: got width %v, want %v", width, 2*(high-low))
	}
	again, err := recall.Summarize(recall.Answers{ImageToText: queries, TextToImage: queries}, b)
	if err != nil {
		t.Fatal(err)
	}
	if again != r {
		t.Error("the same seed gave another report")
	}
	b.Seed = 2
	if other, _ := recall.Summarize(recall.Answers{ImageToText: queries, TextToImage: queries}, b); other.ImageToText.Intervals == r.ImageToText.Intervals {
		t.Error("another seed gave the same intervals")
	}
	b.Level = 0.5
	if narrow, _ := recall.Summarize(recall.Answers{ImageToText: queries, TextToImage: queries}, b); narrow.ImageToText.Intervals.R1[0] <= low {
		t.Error("a lower level did not narrow the interval")
	}
}

func TestQueriesOfOnePictureAreResampledTogether(t *testing.T) {
	var together, apart []recall.Query
	for i := range 40 {
		for j := range 5 {
			together = append(together, query(i, 1+i%2))
			apart = append(apart, query(5*i+j, 1+i%2))
		}
	}
	width := func(queries []recall.Query) float64 {
		r, err := recall.Summarize(recall.Answers{TextToImage: queries}, recall.Bootstrap{})
		if err != nil {
			t.Fatal(err)
		}
		return r.TextToImage.Intervals.R1[1] - r.TextToImage.Intervals.R1[0]
	}
	if a, b := width(together), width(apart); a < 1.8*b {
		t.Errorf("interval over 40 pictures of five captions is %v wide, over 200 of one %v", a, b)
	}
}

func TestReportIsWrittenUnderItsNames(t *testing.T) {
	r, err := recall.Summarize(recall.Answers{ImageToText: []recall.Query{query(0, 1)}, TextToImage: []recall.Query{query(0, 2)}}, recall.Bootstrap{Resamples: 2})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"i2t":{"r1":100,"r5":100,"r10":100,"median_rank":1,"mean_rank":1,"map_r":100,"queries":1,` +
		`"intervals":{"r1":[100,100],"r5":[100,100],"r10":[100,100],"median_rank":[1,1],"mean_rank":[1,1],"map_r":[100,100]}},` +
		`"t2i":{"r1":0,"r5":100,"r10":100,"median_rank":2,"mean_rank":2,"map_r":0,"queries":1,` +
		`"intervals":{"r1":[0,0],"r5":[100,100],"r10":[100,100],"median_rank":[2,2],"mean_rank":[2,2],"map_r":[0,0]}},` +
		`"rsum":500,"rsum_interval":[500,500]}`
	if string(got) != want {
		t.Errorf("want %s\n got %s", want, got)
	}
}

func ExampleAt() {
	queries := []recall.Query{
		{Rank: 1, Positives: []int{1}}, {Rank: 3, Positives: []int{3}},
		{Rank: 12, Positives: []int{12}}, {Rank: 5, Positives: []int{5}},
	}
	fmt.Println(recall.At(queries, 1), recall.At(queries, 5), recall.At(queries, 10))
	// Output: 25 75 75
}

func BenchmarkSummarize(b *testing.B) {
	var images, texts []recall.Query
	for i := range 5000 {
		images = append(images, query(i, 1+i*7919%997))
		for j := range 5 {
			texts = append(texts, query(i, 1+(5*i+j)*104729%4999))
		}
	}
	for b.Loop() {
		if _, err := recall.Summarize(recall.Answers{ImageToText: images, TextToImage: texts}, recall.Bootstrap{}); err != nil {
			b.Fatal(err)
		}
	}
}
