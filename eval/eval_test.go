package eval_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/eval"
	"github.com/loopitr/loopitr/recall"
	"pgregory.net/rapid"
)

var noIntervals = recall.Bootstrap{Resamples: -1}

func measured(t *testing.T, f *fake, s eval.Split, c eval.Config) *eval.Scores {
	t.Helper()
	scores, err := eval.Measure(context.Background(), f.model(), s, c)
	if err != nil {
		t.Fatal(err)
	}
	return scores
}

func TestRerankingRepairsTheDualOrder(t *testing.T) {
	const n = 20
	f := aligned(n)
	r, err := measured(t, f, split(ones(n), distinct), eval.Config{Rerank: 2}).Result(noIntervals)
	if err != nil {
		t.Fatal(err)
	}
	if r.Images != n || r.Captions != n {
		t.Errorf("counts: got %d, %d", r.Images, r.Captions)
	}
	if d := r.Dual; d.ImageToText.R1 != 0 || d.TextToImage.R1 != 0 || d.ImageToText.MedianRank != 2 || d.RSum != 400 {
		t.Errorf("dual: got %+v", d)
	}
	rr := r.Reranked
	if rr.ImageToText.R1 != 100 || rr.TextToImage.R1 != 100 || rr.RSum != 600 || rr.Gap.RSum != 200 || rr.Gap.ImageToText.R1 != 100 {
		t.Errorf("re-ranked: got %+v", rr)
	}
	// Both directions want the pairs (i, i) and (i, i+1): each is judged once.
	if rr.K != 2 || rr.Pairs != 2*n || r.MatchOnly != nil {
		t.Errorf("got k %d, %d pairs, match only %v", rr.K, rr.Pairs, r.MatchOnly)
	}
}

// order sorts a gallery by falling score, wrong items first at equal scores.
func order(items []int, score func(int) float32, right map[int]bool) {
	slices.SortStableFunc(items, func(a, b int) int {
		switch {
		case score(a) > score(b), score(a) == score(b) && !right[a] && right[b]:
			return -1
		case score(a) < score(b), score(a) == score(b) && right[a] && !right[b]:
			return 1
		}
		return 0
	})
}

// ranks re-ranks one query's whole gallery the plain way.
func ranks(gallery, k int, dual, final func(int) float32, right map[int]bool) (out []int) {
	items := make([]int, gallery)
	for i := range items {
		items[i] = i
	}
	order(items, dual, nil)
	k = min(k, gallery)
	order(items[:k], final, right)
	order(items[k:], dual, right)
	for i, item := range items {
		if right[item] {
			out = append(out, i+1)
		}
	}
	return out
}

// world is a random split and model with few distinct values, so that ties abound.
type world struct {
	model    *fake
	split    eval.Split
	owner    []int // picture of each caption
	text     []int // captions of equal number have the same text
	pictures int
}

func drawWorld(t *rapid.T) *world {
	small := rapid.Custom(func(t *rapid.T) float32 { return float32(rapid.IntRange(-2, 2).Draw(t, "v")) })
	vector := rapid.Custom(func(t *rapid.T) loopitr.Vector { return rapid.SliceOfN(small, 2, 2).Draw(t, "vector") })
	counts := rapid.SliceOfN(rapid.IntRange(1, 3), 1, 8).Draw(t, "captions")
	w := &world{pictures: len(counts)}
	for p, n := range counts {
		for range n {
			w.owner = append(w.owner, p)
		}
	}
	captions := len(w.owner)
	z := rapid.SliceOfN(small, captions*w.pictures, captions*w.pictures).Draw(t, "z")
	w.model = &fake{
		images: rapid.SliceOfN(vector, w.pictures, w.pictures).Draw(t, "images"),
		texts:  rapid.SliceOfN(vector, captions, captions).Draw(t, "texts"),
		z:      func(c, p int) float32 { return z[c*w.pictures+p] },
		rule:   loopitr.ScoreRule{Temperature: 0.5, Weight: float32(rapid.IntRange(0, 2).Draw(t, "weight"))},
	}
	w.text = rapid.SliceOfN(rapid.IntRange(0, 2*captions), captions, captions).Draw(t, "texts")
	w.split = split(counts, func(c int) string { return fmt.Sprint("text ", w.text[c]) })
	return w
}

func (w *world) dual(c, p int) float32 {
	a, b := w.model.texts[c], w.model.images[p]
	return a[0]*b[0] + a[1]*b[1]
}

func (w *world) final(c, p int) float32 {
	return w.model.rule.Score(w.model.z(c, p), w.dual(c, p))
}

// right tells what is relevant: for a picture its captions, for a caption its
// picture, and widely also the partners of captions with the same text.
func (w *world) right(caption, picture int, widely bool) bool {
	if w.owner[caption] == picture || !widely {
		return w.owner[caption] == picture
	}
	for c, text := range w.text {
		if c != caption && text == w.text[caption] && w.owner[c] == picture {
			return true
		}
	}
	return false
}

func (w *world) queries(k int) (images, texts []recall.Query) {
	for p := range w.pictures {
		dual := func(c int) float32 { return w.dual(c, p) }
		final := func(c int) float32 { return w.final(c, p) }
		own, all := map[int]bool{}, map[int]bool{}
		for c := range w.owner {
			own[c], all[c] = w.right(c, p, false), w.right(c, p, true)
		}
		images = append(images, recall.Query{
			Picture: p, Rank: ranks(len(w.owner), k, dual, final, own)[0],
			Positives: ranks(len(w.owner), k, dual, final, all),
		})
	}
	for c, owner := range w.owner {
		dual := func(p int) float32 { return w.dual(c, p) }
		final := func(p int) float32 { return w.final(c, p) }
		own, all := map[int]bool{}, map[int]bool{}
		for p := range w.pictures {
			own[p], all[p] = w.right(c, p, false), w.right(c, p, true)
		}
		texts = append(texts, recall.Query{
			Picture: owner, Rank: ranks(w.pictures, k, dual, final, own)[0],
			Positives: ranks(w.pictures, k, dual, final, all),
		})
	}
	return images, texts
}

func TestReportEqualsSortingEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		// Up to beyond the gallery; the bound on states makes blocks of one picture and one caption at 1.
		most := rapid.IntRange(0, 12).Draw(t, "k")
		k := rapid.IntRange(0, most).Draw(t, "smaller k")
		c := eval.Config{
			Rerank: most, Batch: rapid.IntRange(1, 4).Draw(t, "batch"), Pairs: rapid.IntRange(1, 5).Draw(t, "pairs"),
			StateBytes: rapid.SampledFrom([]int64{1, 40, 64, 1 << 20}).Draw(t, "bytes"),
		}
		if most == 12 && k == 12 {
			c.Rerank, k = eval.All, eval.All
		}
		scores, err := eval.Measure(context.Background(), w.model.model(), w.split, c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := scores.Report(eval.Order{Rerank: k, Weight: w.model.rule.Weight}, noIntervals)
		if err != nil {
			t.Fatal(err)
		}
		if k == eval.All {
			k = math.MaxInt
		}
		images, texts := w.queries(k)
		want, err := recall.Summarize(recall.Answers{ImageToText: images, TextToImage: texts}, noIntervals)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func TestEqualCaptionsCountForMAPAlone(t *testing.T) {
	// Two pictures share a caption text but for case. Each is nearer to the other's.
	s := split([]int{1, 1, 1}, distinct)
	s.Records[0].Captions[0], s.Records[1].Captions[0] = "A Dog", " a  dog"
	e := []loopitr.Vector{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	f := &fake{images: e, texts: []loopitr.Vector{{0.7, 0.9, 0}, {0.7, 0.9, 0}, e[2]}}
	r, err := measured(t, f, s, eval.Config{}).Result(noIntervals)
	if err != nil {
		t.Fatal(err)
	}
	// Both captions of equal text find picture 1 first and picture 0 second: by
	// the protocol one of the two is wrong, by mAP@R both are wholly right.
	texts := r.Dual.TextToImage
	if math.Abs(texts.R1-200.0/3) > 1e-9 || texts.MAPR != 100 {
		t.Errorf("text to image: got R@1 %v, mAP@R %v", texts.R1, texts.MAPR)
	}
	// A picture's own caption ties with the other of the same text.
	images := r.Dual.ImageToText
	if math.Abs(images.R1-100.0/3) > 1e-9 || images.MAPR != 100 {
		t.Errorf("image to text: got R@1 %v, mAP@R %v", images.R1, images.MAPR)
	}
}

func TestConstantModelFindsNothing(t *testing.T) {
	const n = 64
	f := &fake{images: slices.Repeat([]loopitr.Vector{{1}}, n), texts: slices.Repeat([]loopitr.Vector{{1}}, n)}
	for name, z := range map[string]float32{"constant": 0, "NaN": float32(math.NaN())} {
		f.z = func(int, int) float32 { return z }
		r, err := measured(t, f, split(ones(n), distinct), eval.Config{Rerank: 16}).Result(noIntervals)
		if err != nil {
			t.Fatal(err)
		}
		if r.Dual.RSum != 0 || r.Reranked.RSum != 0 {
			t.Errorf("%s: got %v and re-ranked %v", name, r.Dual.RSum, r.Reranked.RSum)
		}
	}
}

func TestPairsOfACaptionStandTogether(t *testing.T) {
	const n = 30
	f := aligned(n)
	measured(t, f, split(ones(n), distinct), eval.Config{Rerank: 4, Pairs: 16})
	var all [][2]int
	for _, call := range f.calls {
		if len(call) > 16 {
			t.Errorf("a call of %d pairs", len(call))
		}
		all = append(all, call...)
	}
	if !slices.IsSortedFunc(all, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		t.Error("captions do not come one after the other")
	}
	if len(slices.Compact(all)) != len(all) {
		t.Error("a pair was judged twice")
	}
}

func TestStatesAreHeldOnlyWithinTheBound(t *testing.T) {
	const n = 40
	want, err := measured(t, aligned(n), split(ones(n), distinct), eval.Config{Rerank: 3}).Result(noIntervals)
	if err != nil {
		t.Fatal(err)
	}
	// A picture's states take eight bytes: eight fit into half of 128.
	for limit, encodings := range map[int64]int{1 << 20: n, 128: 2 * n} {
		f := aligned(n)
		got, err := measured(t, f, split(ones(n), distinct), eval.Config{Rerank: 3, Batch: 4, StateBytes: limit}).Result(noIntervals)
		if err != nil {
			t.Fatal(err)
		}
		if f.encoded != encodings {
			t.Errorf("%d bytes: %d pictures were encoded, want %d", limit, f.encoded, encodings)
		}
		got.Seconds = want.Seconds
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d bytes (-want +got):\n%s", limit, diff)
		}
	}
}

func TestUnusablePicturesAreLeftOutAndTold(t *testing.T) {
	const n = 10
	bad := func(i int) (loopitr.Picture, error) {
		if i == 3 || i == 9 {
			return loopitr.Picture{}, fmt.Errorf("decode: %w", loopitr.ErrInvalid)
		}
		return loopitr.Picture{Tokens: states(i)}, nil
	}
	s := split(ones(n), distinct)
	s.Picture = bad
	scores := measured(t, aligned(n), s, eval.Config{Rerank: 2, Batch: 4, StateBytes: 1})
	want := []eval.Skip{{Record: 3, ID: "picture 3", Reason: "decode: invalid input"}, {Record: 9, ID: "picture 9", Reason: "decode: invalid input"}}
	if diff := cmp.Diff(want, scores.Skipped); diff != "" || scores.Images != n-2 || scores.Captions != n-2 {
		t.Errorf("%d pictures, %d captions, skipped (-want +got):\n%s", scores.Images, scores.Captions, diff)
	}
	r, err := scores.Result(noIntervals)
	if err != nil || r.Reranked.RSum != 600 {
		t.Errorf("got %v, %v", r.Reranked, err)
	}
	if !strings.Contains(r.Table(), "2 pictures left out; the first: decode") {
		t.Errorf("the table does not tell:\n%s", r.Table())
	}
	if _, err := eval.Measure(context.Background(), aligned(n).model(), s, eval.Config{Strict: true}); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), "picture 3") {
		t.Errorf("strict: got %v", err)
	}
	s.Picture = func(int) (loopitr.Picture, error) { return loopitr.Picture{}, loopitr.ErrNotFound }
	if _, err := eval.Measure(context.Background(), aligned(n).model(), s, eval.Config{}); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("none usable: got %v", err)
	}
	disk := errors.New("input/output error")
	s.Picture = func(int) (loopitr.Picture, error) { return loopitr.Picture{}, disk }
	if _, err := eval.Measure(context.Background(), aligned(n).model(), s, eval.Config{}); !errors.Is(err, disk) {
		t.Errorf("other error: got %v", err)
	}
}

func TestMeasureRefusesWhatCannotWork(t *testing.T) {
	good := split(ones(3), distinct)
	boom := errors.New("boom")
	tests := []struct {
		name  string
		spoil func(f *fake, s *eval.Split, c *eval.Config)
		want  error
	}{
		{"no pictures", func(_ *fake, s *eval.Split, _ *eval.Config) { s.Records = nil }, loopitr.ErrInvalid},
		{"no captions", func(_ *fake, s *eval.Split, _ *eval.Config) {
			s.Records = slices.Clone(s.Records)
			s.Records[1].Captions = nil
		}, loopitr.ErrInvalid},
		{"rerank", func(_ *fake, _ *eval.Split, c *eval.Config) { c.Rerank = -2 }, loopitr.ErrInvalid},
		{"batch", func(_ *fake, _ *eval.Split, c *eval.Config) { c.Batch = -1 }, loopitr.ErrInvalid},
		{"level", func(_ *fake, _ *eval.Split, c *eval.Config) { c.Bootstrap.Level = 2 }, loopitr.ErrInvalid},
		{"widths", func(f *fake, _ *eval.Split, _ *eval.Config) { f.images[1] = f.images[1][:2] }, loopitr.ErrInvalid},
		{"sides", func(f *fake, _ *eval.Split, _ *eval.Config) {
			for i := range f.images {
				f.images[i] = f.images[i][:2]
			}
		}, loopitr.ErrInvalid},
		{"too few encodings", func(f *fake, _ *eval.Split, _ *eval.Config) { f.shortTexts = true }, loopitr.ErrInvalid},
		{"too few log-odds", func(f *fake, _ *eval.Split, _ *eval.Config) { f.shortZ = true }, loopitr.ErrInvalid},
		{"encoder fails", func(f *fake, _ *eval.Split, _ *eval.Config) { f.failEncode = boom }, boom},
		{"matcher fails", func(f *fake, _ *eval.Split, _ *eval.Config) { f.failMatch = boom }, boom},
		{"weight without temperature", func(f *fake, _ *eval.Split, _ *eval.Config) { f.rule = loopitr.ScoreRule{Weight: 1} }, loopitr.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, s, c := aligned(3), good, eval.Config{Rerank: 2}
			tt.spoil(f, &s, &c)
			scores, err := eval.Measure(context.Background(), f.model(), s, c)
			if err == nil {
				_, err = scores.Result(noIntervals)
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := eval.Measure(context.Background(), eval.Model{Encoder: aligned(3)}, good, eval.Config{Rerank: 1}); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("no matcher: got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := eval.Measure(ctx, aligned(3).model(), good, eval.Config{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestReportKnowsOnlyWhatWasJudged(t *testing.T) {
	scores := measured(t, aligned(6), split(ones(6), distinct), eval.Config{Rerank: 2})
	for _, k := range []int{3, eval.All, -2} {
		if _, err := scores.Report(eval.Order{Rerank: k}, noIntervals); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("k %d: got %v, want ErrInvalid", k, err)
		}
	}
}

func TestProgressReachesTheEndOfEveryStage(t *testing.T) {
	last := map[eval.Stage][2]int{}
	c := eval.Config{Rerank: 2, Batch: 3, Pairs: 4, Progress: func(s eval.Stage, done, total int) { last[s] = [2]int{done, total} }}
	measured(t, aligned(10), split(ones(10), distinct), c)
	want := map[eval.Stage][2]int{eval.EncodeImages: {10, 10}, eval.EncodeTexts: {10, 10}, eval.Dual: {20, 20}, eval.Rerank: {20, 20}}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
