package eval_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/eval"
	"github.com/loopitr/loopitr/recall"
)

func TestResultIsWrittenUnderItsNames(t *testing.T) {
	f := aligned(4)
	f.rule.Weight = 0.5
	r, err := measured(t, f, split(ones(4), distinct), eval.Config{Rerank: 2}).Result(recall.Bootstrap{Resamples: 10})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"images", "captions", "seconds.encode_images", "seconds.encode_texts", "seconds.dual", "seconds.rerank",
		"dual.i2t.r1", "dual.t2i.map_r", "dual.rsum", "reranked.k", "reranked.pairs", "reranked.weight",
		"reranked.i2t.r5", "reranked.i2t.intervals.r5", "reranked.t2i.r10", "reranked.t2i.median_rank", "reranked.t2i.mean_rank",
		"reranked.rsum", "reranked.rsum_interval", "reranked.gap.i2t.r1", "reranked.gap.i2t.intervals.r1", "reranked.gap.rsum_interval", "reranked.gap.rsum", "reranked_match_only.rsum",
	} {
		var value any = got
		for _, key := range strings.Split(path, ".") {
			inner, _ := value.(map[string]any)
			value = inner[key]
		}
		if value == nil {
			t.Errorf("%s is not there: %s", path, raw)
		}
	}
	off, err := measured(t, f, split(ones(4), distinct), eval.Config{}).Result(noIntervals)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := json.Marshal(off); err != nil || strings.Contains(string(raw), "reranked") {
		t.Errorf("without re-ranking: got %s, %v", raw, err)
	}
}

func TestAllNamesTheLargerGallery(t *testing.T) {
	f := aligned(6)
	r, err := measured(t, f, split([]int{2, 2, 2}, distinct), eval.Config{Rerank: eval.All}).Result(noIntervals)
	if err != nil {
		t.Fatal(err)
	}
	if r.Reranked.K != 6 || r.Reranked.Pairs != 18 {
		t.Errorf("got k %d, %d pairs, want 6, 18", r.Reranked.K, r.Reranked.Pairs)
	}
}

func TestTable(t *testing.T) {
	r := eval.Result{Level: 0.95, Images: 1000, Captions: 5000, Seconds: eval.Seconds{EncodeImages: 12.34, EncodeTexts: 3, Dual: 0.25, Rerank: 20}}
	figures := recall.Figures{R1: 20, R5: 40.04, R10: 50, MedianRank: 9, MeanRank: 41.25, MAPR: 15}
	direction := recall.Direction{Figures: figures, Intervals: recall.Intervals{R1: recall.Interval{18.2, 21.9}}}
	r.Dual = recall.Report{ImageToText: direction, TextToImage: recall.Direction{Figures: figures}, RSum: 220.08}
	r.MatchOnly = &eval.Reranked{K: 16, Pairs: 90000, Report: r.Dual, Gap: recall.Gap{ImageToText: recall.DirectionGap{R1: -1.25, Intervals: recall.GapIntervals{R1: recall.Interval{-3, 0.5}}}}}
	r.Reranked = &eval.Reranked{K: 16, Pairs: 90000, Weight: 0.5, Report: r.Dual, Gap: recall.Gap{RSum: 3, RSumInterval: recall.Interval{0.5, 5.25}}}
	const want = `1,000 pictures, 5,000 captions; recall in percent, 95% interval in brackets

image to text                     R@1               R@5   R@10  median  mean  mAP@R
  dual                            20.0 [18.2 21.9]  40.0  50.0  9.0     41.2  15.0
  re-ranked 16, match only        20.0 [18.2 21.9]  40.0  50.0  9.0     41.2  15.0
    gap                           -1.2 [-3.0 +0.5]  +0.0  +0.0                +0.0
  re-ranked 16, match + 0.5 dual  20.0 [18.2 21.9]  40.0  50.0  9.0     41.2  15.0
    gap                           +0.0              +0.0  +0.0                +0.0

text to image                     R@1   R@5   R@10  median  mean  mAP@R
  dual                            20.0  40.0  50.0  9.0     41.2  15.0
  re-ranked 16, match only        20.0  40.0  50.0  9.0     41.2  15.0
    gap                           +0.0  +0.0  +0.0                +0.0
  re-ranked 16, match + 0.5 dual  20.0  40.0  50.0  9.0     41.2  15.0
    gap                           +0.0  +0.0  +0.0                +0.0

R-sum: dual 220.1; re-ranked 16, match only 220.1 (+0.0); re-ranked 16, match + 0.5 dual 220.1 (+3.0 [+0.5 +5.2])
time: pictures 12.3 s, captions 3.0 s, dual 0.2 s, re-ranking 20.0 s (90,000 pairs, 4500/s)
`
	if got := r.Table(); got != want {
		t.Errorf("want\n%s\ngot\n%s", want, got)
	}
}

func TestChooseWeight(t *testing.T) {
	const n = 12
	s := split(ones(n), distinct)
	choose := func(f *fake) float32 {
		t.Helper()
		w, err := measured(t, f, s, eval.Config{Rerank: 3}).ChooseWeight()
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if w := choose(aligned(n)); w != 0 {
		t.Errorf("a cross encoder that knows: got weight %v, want 0", w)
	}
	// The cross encoder is wrong and the dual, with its cosine of 0.8 on the right
	// partner, right: (0.8-0.6)/0.1 = 2 of dual logit must outweigh 8 of log-odds.
	f := aligned(n)
	f.images = append(f.images[1:], f.images[0])
	f.z = func(c, p int) float32 {
		if c == p {
			return -4
		}
		return 4
	}
	if w := choose(f); w < 4 || w > 4.8 {
		t.Errorf("a wrong cross encoder: got weight %v, want the first above 4", w)
	}
	if _, err := measured(t, f, s, eval.Config{}).ChooseWeight(); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("nothing re-ranked: got %v, want ErrInvalid", err)
	}
}

// timed reports a time that can be; Windows' clock stands still for up to 15.6 ms.
func timed(p eval.Point) bool {
	return p.QuerySeconds == 0 && (p.K == 0 || runtime.GOOS == "windows") || p.QuerySeconds > 0 && p.K > 0
}

func TestSweepAndItsPlot(t *testing.T) {
	const n = 20
	f := aligned(n)
	points, err := eval.Sweep(context.Background(), f.model(), split(ones(n), distinct), eval.SweepConfig{Config: eval.Config{Bootstrap: noIntervals}, Candidates: []int{2, 0, 1, 40, 2}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		k    int
		rsum float64
	}{{0, 400}, {1, 400}, {2, 600}, {40, 600}} {
		p := points[i]
		if p.K != want.k || math.Abs(p.RSum-want.rsum) > 1e-9 || !timed(p) {
			t.Errorf("point %d: got k %d, R-sum %v, %v s, want %v", i, p.K, p.RSum, p.QuerySeconds, want)
		}
	}
	var b bytes.Buffer
	if err := eval.Plot(&b, points); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X < 600 || size.Y < 250 {
		t.Errorf("plot of %v pixels", size)
	}
	if err := eval.Plot(&b, nil); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("no points: got %v, want ErrInvalid", err)
	}
	for _, ks := range [][]int{nil, {-1, 2}} {
		if _, err := eval.Sweep(context.Background(), f.model(), split(ones(n), distinct), eval.SweepConfig{Candidates: ks}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("sweep over %v: got %v, want ErrInvalid", ks, err)
		}
	}
}

// sparing counts the pictures that are encoded from one call of the matcher to the
// next: so many states may be held at once.
type sparing struct {
	*fake
	judging     bool
	since, most int
}

func (f *sparing) EncodeImages(ctx context.Context, pictures []loopitr.Picture) ([]loopitr.Encoding, error) {
	if f.judging { // what comes before is only measured for its vectors
		f.since += len(pictures)
		f.most = max(f.most, f.since)
	}
	return f.fake.EncodeImages(ctx, pictures)
}

func (f *sparing) Match(ctx context.Context, pairs []loopitr.Pair) ([]float32, error) {
	f.judging, f.since = true, 0
	return f.fake.Match(ctx, pairs)
}

func TestSweepHoldsOneQuerysStates(t *testing.T) {
	const n, k = 20, 3
	f := &sparing{fake: aligned(n)}
	c := eval.Config{Bootstrap: noIntervals, Batch: 1, StateBytes: 1}
	points, err := eval.Sweep(context.Background(), eval.Model{Encoder: f, Matcher: f}, split(ones(n), distinct), eval.SweepConfig{Config: c, Candidates: []int{1, k}})
	if err != nil {
		t.Fatal(err)
	}
	if f.most > k {
		t.Errorf("%d pictures' states were held, want those of one query, %d", f.most, k)
	}
	for _, p := range points {
		if !timed(p) {
			t.Errorf("%d candidates took %v s", p.K, p.QuerySeconds)
		}
	}
}
