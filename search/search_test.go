package search_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
	"github.com/loopitr/loopitr/search"
)

// gallery is a folder with five pictures, one of them twice, in an index.
func gallery(t *testing.T) (*folder, search.Config) {
	t.Helper()
	f := newFolder(t, map[string]string{
		"red-apple.jpg": "PIC red apple", "green-apple.jpg": "PIC green apple", "trips/red-car.jpg": "PIC red car",
		"trips/blue-sea.jpg": "PIC blue sea", "trips/copy.jpg": "PIC red apple", "night.jpg": "PIC sea at night",
	})
	f.build(nil)
	return f, search.Config{Index: f.index, Encoder: f.model, Matcher: f.model, Preparer: f.model}
}

func run(t *testing.T, c search.Config, q loopitr.Query) loopitr.Result {
	t.Helper()
	s, err := search.New(c)
	must(t, err)
	r, err := s.Search(t.Context(), q)
	must(t, err)
	return r
}

func names(r loopitr.Result) []string {
	list := []string{}
	for _, h := range r.Hits {
		list = append(list, h.Path)
	}
	return list
}

func sigmoid(z float64) *float32 {
	p := float32(1 / (1 + math.Exp(-z)))
	return &p
}

func TestSearchReranks(t *testing.T) {
	f, c := gallery(t)
	r := run(t, c, search.Text("red apple"))
	if !r.Reranked || r.Reason != "" || r.Judged != 5 {
		t.Errorf("reranked %v (%s), %d judged, want 5 judged", r.Reranked, r.Reason, r.Judged)
	}
	want := loopitr.Hit{
		Path: "red-apple.jpg", Score: 2, Dual: 1, Match: sigmoid(2), Rank: 1, DualRank: 1, Duplicates: []string{"trips/copy.jpg"},
	}
	if d := cmp.Diff(want, r.Hits[0], cmpopts.EquateApprox(0, 1e-6)); d != "" {
		t.Errorf("first hit (-want +got):\n%s", d)
	}
	for i, h := range r.Hits {
		if h.Rank != i+1 || h.Match == nil {
			t.Errorf("hit %d: rank %d, match %v", i, h.Rank, h.Match)
		}
		if i > 0 && h.Score > r.Hits[i-1].Score {
			t.Errorf("hit %d has a higher score than the one before", i)
		}
	}
	f.model.odds = func(_, picture string) float32 { return map[bool]float32{true: 9, false: -9}[picture == "blue sea"] }
	r = run(t, c, search.Text("red apple"))
	if r.Hits[0].Path != "trips/blue-sea.jpg" || r.Hits[0].DualRank < 3 || r.Hits[1].DualRank != 1 {
		t.Errorf("the cross encoder's favourite does not lead: %+v", r.Hits)
	}
}

func TestSearchKeepsDualOrderBehindTheJudged(t *testing.T) {
	f, c := gallery(t)
	f.model.odds = func(text, picture string) float32 { return float32(-len(picture)) }
	q := search.Text("red apple")
	dual := q
	dual.Rerank = 0
	before := run(t, c, dual)
	q.Rerank, q.Count = 2, 4
	r := run(t, c, q)
	if r.Judged != 2 || len(r.Hits) != 4 {
		t.Fatalf("%d judged and %d hits, want 2 and 4", r.Judged, len(r.Hits))
	}
	diff(t, "behind", names(before)[2:4], names(r)[2:4])
	for i, h := range r.Hits {
		if (h.Match != nil) != (i < 2) {
			t.Errorf("hit %d: match %v", i, h.Match)
		}
		if i >= 2 && (h.Score != h.Dual || h.DualRank != i+1) {
			t.Errorf("hit %d: %+v", i, h)
		}
	}
	if before.Reranked || before.Reason == "" {
		t.Errorf("reranked %v, reason %q", before.Reranked, before.Reason)
	}
}

func TestSearchUsesTheModelsRule(t *testing.T) {
	f, c := gallery(t)
	f.model.odds = func(string, string) float32 { return 1 }
	f.model.rule = loopitr.ScoreRule{Weight: 2, Temperature: 0.5}
	for _, h := range run(t, c, search.Text("red apple")).Hits {
		if want := 1 + 2*h.Dual/0.5; math.Abs(float64(h.Score-want)) > 1e-5 {
			t.Errorf("%s: score %v, want %v", h.Path, h.Score, want)
		}
	}
}

func TestMinMatchCuts(t *testing.T) {
	f, c := gallery(t)
	q := search.Text("red apple")
	q.MinMatch = 0.5
	r := run(t, c, q)
	diff(t, "hits", []string{"red-apple.jpg"}, names(r))
	if r.BelowMatch != 4 {
		t.Errorf("%d below, want 4", r.BelowMatch)
	}
	q.Rerank = 1 // what was not judged is not known to match
	diff(t, "judged only", []string{"red-apple.jpg"}, names(run(t, c, q)))
	f.model.odds = func(string, string) float32 { return -1 }
	r = run(t, c, q)
	if len(r.Hits) != 0 || !r.Reranked || r.BelowMatch != 1 {
		t.Errorf("result %+v, want nothing left", r)
	}
	q.Rerank = 0 // nothing to cut by
	if r = run(t, c, q); len(r.Hits) != 5 || r.Reranked {
		t.Errorf("%d hits, reranked %v, want the dual order uncut", len(r.Hits), r.Reranked)
	}
}

func TestSearchFiltersFirst(t *testing.T) {
	_, c := gallery(t)
	q := search.Text("red apple")
	q.Count = 1
	q.Filter.Require.Path = []string{"trips"}
	diff(t, "hits", []string{"trips/copy.jpg"}, names(run(t, c, q)))
	q.Filter.Exclude.Path = []string{"*copy*"}
	diff(t, "hits", []string{"trips/red-car.jpg"}, names(run(t, c, q)))
	q.Filter.Require.Path = []string{"nowhere"}
	if r := run(t, c, q); len(r.Hits) != 0 || r.Reranked || r.Reason == "" {
		t.Errorf("result %+v, want nothing", r)
	}
}

func TestSearchMixes(t *testing.T) {
	f, c := gallery(t)
	q := loopitr.Query{Count: 10, Rerank: 16, Parts: []loopitr.Part{
		{Weight: 1, Text: "sea"}, {Weight: 0.5, Text: "night"}, {Weight: -0.5, Text: "blue"},
	}}
	r := run(t, c, q)
	// Log-odds 4 a word, less 6: (1*-2 + 0.5*-2 - 0.5*-6) / 2 = 0 for "sea at night".
	if h := r.Hits[0]; h.Path != "night.jpg" || math.Abs(float64(h.Score)) > 1e-6 || math.Abs(float64(*h.Match)-0.5) > 1e-6 {
		t.Errorf("first hit %+v, want night.jpg with score 0", h)
	}
	if r.Judged != 15 {
		t.Errorf("%d judged, want 5 pictures with 3 texts", r.Judged)
	}
	want := make([]float64, width)
	for i := range want {
		want[i] = float64(encoding("sea").Vector[i]) + 0.5*float64(encoding("night").Vector[i]) - 0.5*float64(encoding("blue").Vector[i])
	}
	var dot, squares float64
	for i, v := range encoding("sea at night").Vector {
		dot += want[i] * float64(v)
		squares += want[i] * want[i]
	}
	if cosine := dot / math.Sqrt(squares); math.Abs(cosine-float64(r.Hits[0].Dual)) > 1e-5 {
		t.Errorf("cosine %v, want %v", r.Hits[0].Dual, cosine)
	}

	q.Parts = []loopitr.Part{{Weight: 1, Item: "trips/red-car.jpg"}, {Weight: 0.9, Picture: []byte("PIC blue sea")}}
	r = run(t, c, q)
	if r.Reranked || !strings.Contains(r.Reason, "no text") || r.Hits[0].Path != "trips/red-car.jpg" || r.Hits[1].Path != "trips/blue-sea.jpg" {
		t.Errorf("result %+v, want the dual order of a picture query", r)
	}
	f.model.judged = 0
	q.Parts = append(q.Parts, loopitr.Part{Weight: 0.1, Text: "blue"})
	if r = run(t, c, q); !r.Reranked || r.Hits[0].Path != "trips/blue-sea.jpg" {
		t.Errorf("result %+v, want the text to judge", r)
	}
}

func TestSimilar(t *testing.T) {
	_, c := gallery(t)
	s, err := search.New(c)
	must(t, err)
	r, err := s.Similar(t.Context(), "trips/copy.jpg", loopitr.Query{Count: 2, Rerank: 16})
	must(t, err)
	if len(r.Hits) != 2 || r.Reranked || strings.Contains(strings.Join(names(r), " "), "copy") || names(r)[0] == "red-apple.jpg" {
		t.Errorf("hits %v, want two others", names(r))
	}
	r, err = s.Similar(t.Context(), "trips/red-car.jpg", loopitr.Query{Count: 10, Filter: loopitr.Filter{Require: loopitr.Conditions{Path: []string{"trips"}}}})
	must(t, err)
	if len(r.Hits) != 2 {
		t.Errorf("hits %v, want two others of the folder", names(r))
	}
	r, err = s.Similar(t.Context(), "trips/red-car.jpg", loopitr.Query{Count: 9, Filter: loopitr.Filter{Exclude: loopitr.Conditions{Path: []string{"trips"}}}})
	must(t, err)
	if len(r.Hits) != 3 {
		t.Errorf("hits %v, want the three outside", names(r))
	}
	_, err = s.Similar(t.Context(), "none.jpg", loopitr.Query{Count: 1})
	wantKind(t, "missing item", err, loopitr.ErrNotFound)
}

func TestSearchRefuses(t *testing.T) {
	_, c := gallery(t)
	s, err := search.New(c)
	must(t, err)
	for name, one := range map[string]struct {
		change func(*loopitr.Query)
		kind   error
	}{
		"no parts":           {func(q *loopitr.Query) { q.Parts = nil }, loopitr.ErrInvalid},
		"empty part":         {func(q *loopitr.Query) { q.Parts[0].Text = "" }, loopitr.ErrInvalid},
		"two in one part":    {func(q *loopitr.Query) { q.Parts[0].Item = "red-apple.jpg" }, loopitr.ErrInvalid},
		"weight 0":           {func(q *loopitr.Query) { q.Parts[0].Weight = 0 }, loopitr.ErrInvalid},
		"weight NaN":         {func(q *loopitr.Query) { q.Parts[0].Weight = float32(math.NaN()) }, loopitr.ErrInvalid},
		"count 0":            {func(q *loopitr.Query) { q.Count = 0 }, loopitr.ErrInvalid},
		"rerank -1":          {func(q *loopitr.Query) { q.Rerank = -1 }, loopitr.ErrInvalid},
		"min match above 1":  {func(q *loopitr.Query) { q.MinMatch = 1.5 }, loopitr.ErrInvalid},
		"min match NaN":      {func(q *loopitr.Query) { q.MinMatch = float32(math.NaN()) }, loopitr.ErrInvalid},
		"missing item":       {func(q *loopitr.Query) { q.Parts = []loopitr.Part{{Weight: 1, Item: "none.jpg"}} }, loopitr.ErrNotFound},
		"no picture":         {func(q *loopitr.Query) { q.Parts = []loopitr.Part{{Weight: 1, Picture: []byte("text")}} }, loopitr.ErrInvalid},
		"cancelling parts":   {func(q *loopitr.Query) { q.Parts = append(q.Parts, loopitr.Part{Weight: -1, Text: "red"}) }, loopitr.ErrInvalid},
		"vector not finite":  {func(q *loopitr.Query) { q.Parts[0].Text = " " }, loopitr.ErrCorrupt},
		"endless conditions": {func(q *loopitr.Query) { q.Filter.Require.Ext = make([]string, 5000) }, loopitr.ErrInvalid},
	} {
		q := search.Text("red")
		one.change(&q)
		_, err := s.Search(t.Context(), q)
		wantKind(t, name, err, one.kind)
	}
	_, err = search.New(search.Config{Index: c.Index, Encoder: &fake{fingerprint: "fake-2"}})
	wantKind(t, "other model", err, loopitr.ErrInvalid)
	_, err = search.New(search.Config{Index: c.Index})
	wantKind(t, "no encoder", err, loopitr.ErrInvalid)
	c.Preparer = nil
	s, err = search.New(c)
	must(t, err)
	_, err = s.Search(t.Context(), loopitr.Query{Count: 1, Parts: []loopitr.Part{{Weight: 1, Picture: []byte("PIC x")}}})
	wantKind(t, "no preparer", err, loopitr.ErrUnavailable)
}

func TestDeadlineGivesTheDualOrder(t *testing.T) {
	f, c := gallery(t)
	s, err := search.New(c)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, err = s.Search(ctx, search.Text("red"))
	wantKind(t, "deadline before the nearest are known", err, loopitr.ErrUnavailable)
	wantKind(t, "deadline before the nearest are known", err, context.DeadlineExceeded)

	expiring := &expirable{Context: t.Context()}
	f.model.onMatch = func(ctx context.Context) error { expiring.set(context.DeadlineExceeded); return ctx.Err() }
	r, err := s.Search(expiring, search.Text("red apple"))
	must(t, err)
	if r.Reranked || !strings.Contains(r.Reason, "deadline") || len(r.Hits) != 5 || r.Hits[0].Path != "red-apple.jpg" || r.Hits[0].Match != nil {
		t.Errorf("result %+v, want the dual order and the reason", r)
	}
	// A matcher that ends well but too late is late all the same.
	expiring.set(nil)
	f.model.onMatch = func(context.Context) error { expiring.set(context.DeadlineExceeded); return nil }
	r, err = s.Search(expiring, search.Text("red apple"))
	must(t, err)
	if r.Reranked || r.Hits[0].Match != nil {
		t.Errorf("result %+v, want the dual order", r)
	}
	expiring.set(nil)
	f.model.onMatch = func(context.Context) error { expiring.set(context.Canceled); return context.Canceled }
	_, err = s.Search(expiring, search.Text("red apple"))
	wantKind(t, "cancelled", err, context.Canceled)

	broken := errors.New("engine broke")
	expiring.set(nil)
	f.model.onMatch = func(context.Context) error { return broken }
	_, err = s.Search(expiring, search.Text("red apple"))
	wantKind(t, "engine error", err, broken)
}

// expirable ends when the test says so.
type expirable struct {
	context.Context
	mu  sync.Mutex
	err error
}

func (e *expirable) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

func (e *expirable) set(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

func TestSearchWithoutMatcher(t *testing.T) {
	_, c := gallery(t)
	c.Matcher = nil
	if r := run(t, c, search.Text("red apple")); r.Reranked || !strings.Contains(r.Reason, "no cross encoder") || len(r.Hits) != 5 {
		t.Errorf("result %+v", r)
	}
}

func TestMatcherThatSaysNaN(t *testing.T) {
	f, c := gallery(t)
	f.model.odds = func(string, string) float32 { return float32(math.NaN()) }
	s, err := search.New(c)
	must(t, err)
	_, err = s.Search(t.Context(), search.Text("red"))
	wantKind(t, "NaN", err, loopitr.ErrCorrupt)
}

func TestTokensAreMadeWhenTheIndexHoldsNone(t *testing.T) {
	f, c := gallery(t)
	bare := openIndex(t, filepath.Join(t.TempDir(), "index.db"), sqlite.Config{Fingerprint: "fake-1"})
	f.index, c.Index = bare, bare
	f.build(nil)
	if r := run(t, c, search.Text("red apple")); r.Reranked || !strings.Contains(r.Reason, "image tokens") {
		t.Errorf("result %+v, want no re-ranking without tokens", r)
	}
	c.Tokens = search.TokensFrom(f.fs(), f.model, f.model)
	r := run(t, c, search.Text("red apple"))
	if r.Judged != 5 || *r.Hits[0].Match != *sigmoid(2) {
		t.Errorf("%d judged, first %+v, want 5 judged", r.Judged, r.Hits[0])
	}
	// A file that has changed since cannot be judged by what it is now.
	f.write(map[string]string{"red-apple.jpg": "PIC red apple pie", "night.jpg": "rubbish"})
	must(t, os.Remove(filepath.Join(f.root, "trips/blue-sea.jpg")))
	r = run(t, c, search.Text("red apple"))
	if r.Judged != 2 {
		t.Errorf("%d judged, want 2", r.Judged)
	}
	for i, h := range r.Hits {
		if (h.Match != nil) != (i < 2) {
			t.Errorf("hit %d %+v: judged hits must lead", i, h)
		}
	}
	c.Tokens = func(context.Context, []loopitr.Item) ([]loopitr.States, error) { return make([]loopitr.States, 5), nil }
	if r = run(t, c, search.Text("red")); r.Reranked || r.Reason == "" {
		t.Errorf("result %+v, want no re-ranking", r)
	}
	failed := errors.New("disk on fire")
	c.Tokens = func(context.Context, []loopitr.Item) ([]loopitr.States, error) { return nil, failed }
	s, err := search.New(c)
	must(t, err)
	_, err = s.Search(t.Context(), search.Text("red"))
	wantKind(t, "tokens fail", err, failed)
}

func ExampleText() {
	q := search.Text("a red apple on a table")
	q.Filter, _ = search.ParseFilter("taken:2024 -path:screenshots")
	fmt.Println(q.Count, q.Rerank, q.Parts[0].Text, q.Filter.Exclude.Path)
	// Output: 10 16 a red apple on a table [screenshots]
}
