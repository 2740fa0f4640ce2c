package sqlite_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/indextest"
	"github.com/loopitr/loopitr/index/sqlite"
)

// TestSegmentsFollowEveryChange puts and deletes far more than one segment holds.
// An index that was open all the time, one opened afresh and a brute force agree.
func TestSegmentsFollowEveryChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	c := sqlite.Config{Fingerprint: "model-a"}
	writer, reader := openAt(t, path, c), openAt(t, path, c)
	r := rand.New(rand.NewPCG(3, 4))
	alive := map[int]bool{}
	next := 0
	for round := range 24 {
		var entries []loopitr.Entry
		for range 100 + r.IntN(500) {
			entries = append(entries, indextest.Entry(fmt.Sprint(next), next))
			alive[next] = true
			next++
		}
		if err := writer.Put(t.Context(), entries); err != nil {
			t.Fatal(err)
		}
		var gone []string
		for n := range alive {
			if round%3 == 2 && r.IntN(100) < 5*round {
				gone = append(gone, fmt.Sprint(n))
				delete(alive, n)
			}
		}
		if n, err := writer.Delete(t.Context(), gone); err != nil || n != len(gone) {
			t.Fatalf("deleted %d, %v, want %d", n, err, len(gone))
		}
		if round%2 == 0 { // the reader misses some commits
			continue
		}
		fresh := openAt(t, path, sqlite.Config{Fingerprint: "model-a", ReadOnly: true})
		query := indextest.Vector(1<<20+round, 8)
		want := bruteForce(alive, query, 20)
		for name, x := range map[string]*sqlite.Index{"fresh": fresh, "reader": reader, "writer": writer} {
			if d := gocmp.Diff(want, search(t, x, query, 20)); d != "" {
				t.Fatalf("round %d, %s, %d items (-want +got):\n%s", round, name, len(alive), d)
			}
			if round != 23 {
				continue
			}
			if got := len(search(t, x, query, 1<<20)); got != len(alive) {
				t.Fatalf("round %d, %s: %d items, want %d", round, name, got, len(alive))
			}
		}
		if err := fresh.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDroppedSegmentStaysDropped deletes the last segment's contents while an
// index is open. There are too few of them to make the segments anew, so the file
// still holds the segment when the next change is loaded.
func TestDroppedSegmentStaysDropped(t *testing.T) {
	x := openAt(t, filepath.Join(t.TempDir(), "index.db"), sqlite.Config{Fingerprint: "model-a"})
	alive := map[int]bool{}
	var entries []loopitr.Entry
	var gone []string
	for n := range 2048 { // two segments
		entries = append(entries, indextest.Entry(fmt.Sprint(n), n))
		if n < 1024 {
			alive[n] = true
		} else {
			gone = append(gone, fmt.Sprint(n))
		}
	}
	query := indextest.Vector(1<<20, 8)
	for _, change := range []func() error{
		func() error { return x.Put(t.Context(), entries) },
		func() error { _, err := x.Delete(t.Context(), gone); return err },
		func() error {
			alive[2048] = true
			return x.Put(t.Context(), []loopitr.Entry{indextest.Entry("2048", 2048)})
		},
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		search(t, x, query, 1) // loads the change
	}
	if got := search(t, x, query, 1<<20); len(got) != len(alive) {
		t.Errorf("%d items, want %d", len(got), len(alive))
	}
	if d := gocmp.Diff(bruteForce(alive, query, 20), search(t, x, query, 20)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func openAt(t testing.TB, path string, c sqlite.Config) *sqlite.Index {
	t.Helper()
	x, err := sqlite.Open(t.Context(), path, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func search(t testing.TB, x *sqlite.Index, v loopitr.Vector, count int) []string {
	t.Helper()
	found, err := x.Nearest(t.Context(), loopitr.Lookup{Vector: v, Count: count})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, n := range found {
		paths = append(paths, fmt.Sprintf("%s %v", n.Item.Path, n.Cosine))
	}
	return paths
}

func bruteForce(alive map[int]bool, query loopitr.Vector, count int) []string {
	type scored struct {
		path   string
		cosine float32
	}
	var all []scored
	for n := range alive {
		var sum float64
		for i, v := range indextest.Vector(n, 8) {
			sum += float64(query[i]) * float64(v)
		}
		all = append(all, scored{fmt.Sprint(n), float32(sum)})
	}
	slices.SortFunc(all, func(a, b scored) int { return cmp.Or(cmp.Compare(b.cosine, a.cosine), cmp.Compare(a.path, b.path)) })
	var paths []string
	for _, s := range all[:min(count, len(all))] {
		paths = append(paths, fmt.Sprintf("%s %v", s.path, s.cosine))
	}
	return paths
}
