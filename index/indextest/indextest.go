// Package indextest is the contract of loopitr.Index as tests. Every
// implementation runs the whole of it; it knows none of them. Start with Run.
package indextest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/loopitr/loopitr"
)

// Store is an implementation to be tested.
type Store struct {
	// Open opens the index kept at a place, or makes it. A place is an empty
	// folder of the test's own and stands for one index.
	Open func(ctx context.Context, place Place) (loopitr.Index, error)
	// TokenError is how far a stored image token may be from what was put,
	// relative to the largest magnitude of its row. Negative: none are kept.
	TokenError float64
	// CosineError is how far a cosine may be from the exact one.
	CosineError float64
}

// Place says which index to open and for which model.
type Place struct {
	Folder      string
	Fingerprint string
	Rebuild     bool
}

// Run tests an implementation.
func Run(t *testing.T, s Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, Store)
	}{
		{"Empty", testEmpty},
		{"RoundTrip", testRoundTrip},
		{"Replace", testReplace},
		{"Refused", testRefused},
		{"NearestRefused", testNearestRefused},
		{"NothingRetained", testNothingRetained},
		{"SharedEncoding", testSharedEncoding},
		{"Duplicates", testDuplicates},
		{"Delete", testDelete},
		{"Move", testMove},
		{"Paging", testPaging},
		{"Ties", testTies},
		{"Filters", testFilters},
		{"NearestIsExact", testNearestIsExact},
		{"BehavesLikeAMap", testBehavesLikeAMap},
		{"States", testStates},
		{"Persistence", testPersistence},
		{"OtherFingerprint", testOtherFingerprint},
		{"Rebuild", testRebuild},
		{"Concurrency", testConcurrency},
		{"Cancelled", testCancelled},
		{"Closed", testClosed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

const model = "model-a"

func open(t *testing.T, s Store) loopitr.Index {
	t.Helper()
	x, err := s.Open(t.Context(), Place{Folder: t.TempDir(), Fingerprint: model})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return x
}

// Item makes an item whose content is number n.
func Item(path string, n int) loopitr.Item {
	return loopitr.Item{
		Path:     path,
		Size:     int64(1000 + n),
		Modified: time.Date(2024, 1, 1, 0, 0, n, 123000, time.UTC),
		Hash:     sha256.Sum256(fmt.Append(nil, n)),
		Facts:    loopitr.Facts{Width: 640, Height: 480, Format: "jpeg"},
	}
}

// Entry makes an item together with the encoding of content number n.
func Entry(path string, n int) loopitr.Entry {
	return loopitr.Entry{Item: Item(path, n), Encoding: loopitr.Encoding{Vector: Vector(n, 8)}}
}

// Vector is the unit vector of content number n.
func Vector(n, dimensions int) loopitr.Vector {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	v := make(loopitr.Vector, dimensions)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return unit(v)
}

func unit(v loopitr.Vector) loopitr.Vector {
	length := math.Sqrt(dot(v, v))
	for i := range v {
		v[i] = float32(float64(v[i]) / length)
	}
	return v
}

func dot(a, b loopitr.Vector) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func put(t testing.TB, x loopitr.Index, entries ...loopitr.Entry) {
	t.Helper()
	if err := x.Put(t.Context(), entries); err != nil {
		t.Fatalf("put: %v", err)
	}
}

func nearest(t testing.TB, x loopitr.Index, l loopitr.Lookup) []loopitr.Neighbour {
	t.Helper()
	found, err := x.Nearest(t.Context(), l)
	if err != nil {
		t.Fatalf("nearest: %v", err)
	}
	return found
}

func paths(found []loopitr.Neighbour) []string {
	list := []string{}
	for _, n := range found {
		list = append(list, n.Item.Path)
	}
	return list
}

// pageSize is small so that listings have several pages.
const pageSize = 5

// all lists every item.
func all(t testing.TB, x loopitr.Index) []loopitr.Item {
	t.Helper()
	var items []loopitr.Item
	for after := ""; ; {
		page, err := x.Items(t.Context(), after, pageSize)
		if err != nil {
			t.Fatalf("items: %v", err)
		}
		items = append(items, page...)
		if len(page) < pageSize {
			return items
		}
		after = page[len(page)-1].Path
	}
}

func wantKind(t testing.TB, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error %v, want one that wraps %q", what, err, kind)
	}
}

func diff(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
