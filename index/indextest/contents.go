package indextest

import (
	"math"
	"testing"
	"time"

	"github.com/loopitr/loopitr"
)

func testEmpty(t *testing.T, s Store) {
	x := open(t, s)
	if got := x.Fingerprint(); got != model {
		t.Errorf("fingerprint %q, want %q", got, model)
	}
	diff(t, "nearest", []string{}, paths(nearest(t, x, loopitr.Lookup{Vector: Vector(1, 8), Count: 5})))
	diff(t, "items", []loopitr.Item(nil), all(t, x))
	_, _, err := x.Item(t.Context(), "a.jpg")
	wantKind(t, "item", err, loopitr.ErrNotFound)
	holders, err := x.Holders(t.Context(), loopitr.Hash{})
	if err != nil || len(holders) != 0 {
		t.Errorf("holders %v, %v, want none", holders, err)
	}
	if n, err := x.Delete(t.Context(), []string{"a.jpg"}); n != 0 || err != nil {
		t.Errorf("delete %d, %v, want 0", n, err)
	}
	states, err := x.States(t.Context(), []string{"a.jpg"})
	if err != nil {
		t.Error(err)
	}
	diff(t, "states", []loopitr.States{{}}, states)
	put(t, x)
}

// oddPaths are names that real folders hold.
var oddPaths = []string{
	"a.jpg", "a b/c.jpg", "ü/日本/🍎.png", "it's \"quoted\"%_*?[x].jpg", "trips.old/a.jpg", "trips/a.jpg", "-x.jpg", "a\nb.jpg",
}

func testRoundTrip(t *testing.T, s Store) {
	x := open(t, s)
	r := newReference()
	for n, p := range oddPaths {
		e := Entry(p, n)
		switch n {
		case 0:
			e.Facts = loopitr.Facts{}
		case 1:
			e.Facts = loopitr.Facts{
				Width: 6000, Height: 4000, Format: "tiff", Camera: "Canon EOS 5D — Märk \"IV\"",
				Taken: time.Date(1969, 12, 31, 23, 59, 59, 987e6, time.UTC),
				Place: &loopitr.Place{Latitude: -33.8688, Longitude: 151.2093},
			}
		case 2:
			e.Facts.Place = &loopitr.Place{} // a place, although all its numbers are zero
		}
		put(t, x, e)
		r.put(e)
	}
	want := r.sorted()
	diff(t, "items", want, all(t, x))
	for n, p := range oddPaths {
		got, v, err := x.Item(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "item", r.items[p], got)
		for i, value := range Vector(n, 8) {
			if math.Abs(float64(value-v[i])) > s.CosineError {
				t.Errorf("item %q: vector %v, want %v", p, v, Vector(n, 8))
				break
			}
		}
		holders, err := x.Holders(t.Context(), got.Hash)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "holders", []loopitr.Item{got}, holders)
	}
}

func testReplace(t *testing.T, s Store) {
	x := open(t, s)
	put(t, x, Entry("a.jpg", 1), Entry("b.jpg", 2))
	put(t, x, Entry("a.jpg", 3))
	diff(t, "items", []loopitr.Item{Item("a.jpg", 3), Item("b.jpg", 2)}, all(t, x))
	found := nearest(t, x, loopitr.Lookup{Vector: Vector(3, 8), Count: 5})
	diff(t, "nearest", "a.jpg", paths(found)[0])
	if len(found) != 2 {
		t.Errorf("%d neighbours, want 2: the replaced content must be gone", len(found))
	}
	put(t, x, Entry("c.jpg", 4), Entry("c.jpg", 5)) // the last of one call stands
	got, _, err := x.Item(t.Context(), "c.jpg")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "item put twice", Item("c.jpg", 5), got)
	if found := nearest(t, x, loopitr.Lookup{Vector: Vector(3, 8), Count: 5}); len(found) != 3 {
		t.Errorf("%d neighbours, want 3", len(found))
	}
}

func testRefused(t *testing.T, s Store) {
	x := open(t, s)
	put(t, x, Entry("a.jpg", 1))
	for name, spoil := range map[string]func(*loopitr.Entry){
		"empty path":    func(e *loopitr.Entry) { e.Path = "" },
		"absolute path": func(e *loopitr.Entry) { e.Path = "/b.jpg" },
		"path outside":  func(e *loopitr.Entry) { e.Path = "../b.jpg" },
		"unclean path":  func(e *loopitr.Entry) { e.Path = "a/../b.jpg" },
		"not unit":      func(e *loopitr.Entry) { e.Vector[0] += 1 },
		"zero vector":   func(e *loopitr.Entry) { clear(e.Vector) },
		"NaN":           func(e *loopitr.Entry) { e.Vector[3] = float32(math.NaN()) },
		"infinity":      func(e *loopitr.Entry) { e.Vector[3] = float32(math.Inf(1)) },
		"too wide":      func(e *loopitr.Entry) { e.Vector = Vector(2, 9) },
		"too narrow":    func(e *loopitr.Entry) { e.Vector = Vector(2, 7) },
	} {
		bad := Entry("b.jpg", 2)
		spoil(&bad)
		wantKind(t, name, x.Put(t.Context(), []loopitr.Entry{Entry("good.jpg", 3), bad}), loopitr.ErrInvalid)
	}
	unknown := loopitr.Entry{Item: Item("b.jpg", 2)}
	wantKind(t, "no encoding", x.Put(t.Context(), []loopitr.Entry{Entry("good.jpg", 3), unknown}), loopitr.ErrNotFound)
	diff(t, "items after refused calls", []loopitr.Item{Item("a.jpg", 1)}, all(t, x))
	if found := nearest(t, x, loopitr.Lookup{Vector: Vector(3, 8), Count: 5}); len(found) != 1 {
		t.Errorf("%d neighbours after refused calls, want 1", len(found))
	}
}

func testNearestRefused(t *testing.T, s Store) {
	x := open(t, s)
	put(t, x, Entry("a.jpg", 1))
	for name, l := range map[string]loopitr.Lookup{
		"too wide":       {Vector: Vector(1, 9), Count: 1},
		"too narrow":     {Vector: Vector(1, 7), Count: 1},
		"no vector":      {Count: 1},
		"not unit":       {Vector: make(loopitr.Vector, 8), Count: 1},
		"NaN":            {Vector: loopitr.Vector{float32(math.NaN()), 0, 0, 0, 0, 0, 0, 1}, Count: 1},
		"negative count": {Vector: Vector(1, 8), Count: -1},
	} {
		_, err := x.Nearest(t.Context(), l)
		wantKind(t, name, err, loopitr.ErrInvalid)
	}
	diff(t, "count 0", []string{}, paths(nearest(t, x, loopitr.Lookup{Vector: Vector(1, 8)})))
}

func testNothingRetained(t *testing.T, s Store) {
	x := open(t, s)
	e := Entry("a.jpg", 1)
	e.Facts.Place = &loopitr.Place{Latitude: 1, Longitude: 2}
	put(t, x, e)
	clear(e.Vector)
	*e.Facts.Place = loopitr.Place{}
	l := loopitr.Lookup{Vector: Vector(1, 8), Count: 1}
	first := nearest(t, x, l)
	first[0].Item.Facts.Place.Latitude = 50
	second := nearest(t, x, l)
	want := Item("a.jpg", 1)
	want.Facts.Place = &loopitr.Place{Latitude: 1, Longitude: 2}
	diff(t, "item", want, second[0].Item)
	if second[0].Cosine < 0.999 {
		t.Errorf("cosine %v, want 1", second[0].Cosine)
	}
}

func testSharedEncoding(t *testing.T, s Store) {
	x := open(t, s)
	put(t, x, loopitr.Entry{Item: Item("before.jpg", 1)}, Entry("a.jpg", 1), loopitr.Entry{Item: Item("after.jpg", 1)})
	put(t, x, loopitr.Entry{Item: Item("later.jpg", 1)})
	found := nearest(t, x, loopitr.Lookup{Vector: Vector(1, 8), Count: 5})
	if len(found) != 1 {
		t.Fatalf("%d neighbours, want 1", len(found))
	}
	diff(t, "first", "a.jpg", found[0].Item.Path)
	diff(t, "duplicates", []string{"after.jpg", "before.jpg", "later.jpg"}, found[0].Duplicates)
	// Two files change places within one call: neither content is lost.
	put(t, x, Entry("p.jpg", 7), Entry("q.jpg", 8))
	put(t, x, loopitr.Entry{Item: Item("p.jpg", 8)}, loopitr.Entry{Item: Item("q.jpg", 7)})
	diff(t, "nearest to 7", "q.jpg", paths(nearest(t, x, loopitr.Lookup{Vector: Vector(7, 8), Count: 1}))[0])
}

func testDuplicates(t *testing.T, s Store) {
	x := open(t, s)
	put(t, x, Entry("b/2.jpg", 1), Entry("a/1.jpg", 1), Entry("c/3.jpg", 1), Entry("d.jpg", 2))
	found := nearest(t, x, loopitr.Lookup{Vector: Vector(1, 8), Count: 5})
	diff(t, "paths", []string{"a/1.jpg", "d.jpg"}, paths(found))
	diff(t, "duplicates", []string{"b/2.jpg", "c/3.jpg"}, found[0].Duplicates)
	within := loopitr.Filter{Exclude: loopitr.Conditions{Path: []string{"a"}}}
	found = nearest(t, x, loopitr.Lookup{Vector: Vector(1, 8), Filter: within, Count: 1})
	diff(t, "filtered", []string{"b/2.jpg"}, paths(found))
	diff(t, "filtered duplicates", []string{"c/3.jpg"}, found[0].Duplicates)
	holders, err := x.Holders(t.Context(), Item("", 1).Hash)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "holders", []loopitr.Item{Item("a/1.jpg", 1), Item("b/2.jpg", 1), Item("c/3.jpg", 1)}, holders)
}

func testDelete(t *testing.T, s Store) {
	x := open(t, s)
	put(t, x, Entry("a.jpg", 1), Entry("b.jpg", 1), Entry("c.jpg", 2))
	n, err := x.Delete(t.Context(), []string{"a.jpg", "none.jpg", "a.jpg", "c.jpg"})
	if n != 2 || err != nil {
		t.Errorf("deleted %d, %v, want 2", n, err)
	}
	diff(t, "items", []loopitr.Item{Item("b.jpg", 1)}, all(t, x))
	diff(t, "nearest", []string{"b.jpg"}, paths(nearest(t, x, loopitr.Lookup{Vector: Vector(2, 8), Count: 5})))
	wantKind(t, "content of a deleted item", x.Put(t.Context(), []loopitr.Entry{{Item: Item("d.jpg", 2)}}), loopitr.ErrNotFound)
	put(t, x, Entry("c.jpg", 2))
	diff(t, "put again", []string{"c.jpg", "b.jpg"}, paths(nearest(t, x, loopitr.Lookup{Vector: Vector(2, 8), Count: 5})))
}

func testMove(t *testing.T, s Store) {
	x := open(t, s)
	put(t, x, Entry("a.jpg", 1), Entry("b.jpg", 2), Entry("c.jpg", 3))
	wantKind(t, "move of nothing", x.Move(t.Context(), []loopitr.Move{
		{From: "a.jpg", To: Item("z.jpg", 1)}, {From: "none.jpg", To: Item("d.jpg", 1)},
	}), loopitr.ErrNotFound)
	wantKind(t, "move of other content", x.Move(t.Context(), []loopitr.Move{{From: "a.jpg", To: Item("d.jpg", 2)}}), loopitr.ErrInvalid)
	wantKind(t, "move outside", x.Move(t.Context(), []loopitr.Move{{From: "a.jpg", To: Item("../d.jpg", 1)}}), loopitr.ErrInvalid)
	diff(t, "items after refused moves", []loopitr.Item{Item("a.jpg", 1), Item("b.jpg", 2), Item("c.jpg", 3)}, all(t, x))

	moved := Item("new/a.jpg", 1)
	moved.Modified = moved.Modified.Add(time.Hour)
	err := x.Move(t.Context(), []loopitr.Move{
		{From: "a.jpg", To: moved},
		{From: "b.jpg", To: Item("c.jpg", 2)},     // over another
		{From: "c.jpg", To: Item("a.jpg", 2)},     // and on
		{From: "new/a.jpg", To: Item("b.jpg", 1)}, // to a path that is free by now
		{From: "b.jpg", To: moved},
	})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "items", []loopitr.Item{Item("a.jpg", 2), moved}, all(t, x))
	diff(t, "nearest", []string{"new/a.jpg", "a.jpg"}, paths(nearest(t, x, loopitr.Lookup{Vector: Vector(1, 8), Count: 5})))
}

func testPaging(t *testing.T, s Store) {
	x := open(t, s)
	r := newReference()
	for n, p := range []string{"b", "a/z", "a.jpg", "a/b/c", "ab", "a-b", "Z", "ä", "a"} {
		put(t, x, Entry(p, n))
		r.put(Entry(p, n))
	}
	diff(t, "all", r.sorted(), all(t, x))
	for limit, want := range map[int]int{0: 0, 1: 1, 8: 8, 9: 9, 100: 9} {
		page, err := x.Items(t.Context(), "", limit)
		if err != nil || len(page) != want {
			t.Errorf("limit %d: %d items, %v, want %d", limit, len(page), err, want)
		}
	}
	page, err := x.Items(t.Context(), "a/", 2)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "after a/", []loopitr.Item{Item("a/b/c", 3), Item("a/z", 1)}, page)
}
