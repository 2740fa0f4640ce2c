package indextest

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
)

// machine drives an index and the reference through the same random calls.
type machine struct {
	t *testing.T
	s Store
	x loopitr.Index
	r *reference
}

func (m *machine) path(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d/e", "d/f", "d.g"}).Draw(t, "path")
}

func (m *machine) content(t *rapid.T) int { return rapid.IntRange(0, 7).Draw(t, "content") }

func (m *machine) put(t *rapid.T) {
	e := Entry(m.path(t), m.content(t))
	bare := rapid.Bool().Draw(t, "bare")
	sent := e
	if bare {
		sent.Encoding = loopitr.Encoding{}
	}
	err := m.x.Put(m.t.Context(), []loopitr.Entry{sent})
	if bare && !m.r.holds(e.Hash) {
		wantKind(m.t, "put", err, loopitr.ErrNotFound)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.r.put(e)
}

func (m *machine) remove(t *rapid.T) {
	p := m.path(t)
	n, err := m.x.Delete(m.t.Context(), []string{p})
	if err != nil {
		t.Fatal(err)
	}
	if _, held := m.r.items[p]; held != (n == 1) {
		t.Fatalf("deleted %d of %q", n, p)
	}
	delete(m.r.items, p)
}

func (m *machine) move(t *rapid.T) {
	from, to := m.path(t), m.path(t)
	held, found := m.r.items[from]
	item := held
	item.Path = to
	err := m.x.Move(m.t.Context(), []loopitr.Move{{From: from, To: item}})
	if !found {
		if err == nil {
			t.Fatalf("moved %q, which is not there", from)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	delete(m.r.items, from)
	m.r.items[to] = item
}

func (m *machine) check(t *rapid.T) {
	diff(m.t, "items", m.r.sorted(), all(m.t, m.x))
	l := loopitr.Lookup{Vector: Vector(m.content(t), 8), Count: rapid.IntRange(0, 8).Draw(t, "count")}
	same(m.t, m.s, m.r.nearest(l), nearest(m.t, m.x, l))
	if m.t.Failed() {
		t.FailNow()
	}
}

func testBehavesLikeAMap(t *testing.T, s Store) {
	x := open(t, s)
	rapid.Check(t, func(rt *rapid.T) {
		for _, i := range all(t, x) {
			if _, err := x.Delete(t.Context(), []string{i.Path}); err != nil {
				rt.Fatal(err)
			}
		}
		m := &machine{t: t, s: s, x: x, r: newReference()}
		steps := []func(*rapid.T){m.put, m.put, m.remove, m.move}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			rapid.SampledFrom(steps).Draw(rt, "step")(rt)
			m.check(rt)
		}
	})
}

func testStates(t *testing.T, s Store) {
	x := open(t, s)
	e := Entry("a.jpg", 1)
	e.States = loopitr.States{Count: 3, Width: 5, Values: []float32{0, 0, 0, 0, 0, 1, -1, 0.5, 0.25, 1e-3, 300, -200, 100, 1, 7}}
	put(t, x, e, Entry("b.jpg", 2), loopitr.Entry{Item: Item("c.jpg", 1)})
	got, err := x.States(t.Context(), []string{"none.jpg", "c.jpg", "b.jpg", "a.jpg"})
	if err != nil {
		t.Fatal(err)
	}
	if s.TokenError < 0 {
		diff(t, "states", make([]loopitr.States, 4), got)
		return
	}
	diff(t, "states of none", loopitr.States{}, got[0])
	diff(t, "states of an item without", loopitr.States{}, got[2])
	for _, g := range []loopitr.States{got[1], got[3]} {
		if g.Count != 3 || g.Width != 5 || len(g.Values) != 15 {
			t.Fatalf("states %d x %d with %d values, want 3 x 5", g.Count, g.Width, len(g.Values))
		}
		for i, largest := range []float64{0, 1, 300} {
			for j, want := range e.States.Values[5*i : 5*i+5] {
				if math.Abs(float64(g.Values[5*i+j]-want)) > largest*s.TokenError {
					t.Errorf("token %d value %d is %v, want %v within %v of %v", i, j, g.Values[5*i+j], want, s.TokenError, largest)
				}
			}
		}
	}
}

func reopen(t *testing.T, s Store, x loopitr.Index, p Place) loopitr.Index {
	t.Helper()
	if x != nil {
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	x, err := s.Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func testPersistence(t *testing.T, s Store) {
	p := Place{Folder: t.TempDir(), Fingerprint: model}
	r := newReference()
	x := reopen(t, s, nil, p)
	for n := range 20 {
		put(t, x, Entry(fmt.Sprint(n), n))
		r.put(Entry(fmt.Sprint(n), n))
		if n%7 == 0 {
			x = reopen(t, s, x, p)
		}
	}
	if _, err := x.Delete(t.Context(), []string{"3"}); err != nil {
		t.Fatal(err)
	}
	delete(r.items, "3")
	x = reopen(t, s, x, p)
	defer x.Close()
	diff(t, "items", r.sorted(), all(t, x))
	l := loopitr.Lookup{Vector: Vector(3, 8), Count: 20}
	same(t, s, r.nearest(l), nearest(t, x, l))
}

func testOtherFingerprint(t *testing.T, s Store) {
	p := Place{Folder: t.TempDir(), Fingerprint: model}
	x := reopen(t, s, nil, p)
	put(t, x, Entry("a.jpg", 1))
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Open(t.Context(), Place{Folder: p.Folder, Fingerprint: "model-b"})
	wantKind(t, "open for another model", err, loopitr.ErrInvalid)
	x = reopen(t, s, nil, p)
	defer x.Close()
	diff(t, "items", []loopitr.Item{Item("a.jpg", 1)}, all(t, x))
}

func testRebuild(t *testing.T, s Store) {
	old := Place{Folder: t.TempDir(), Fingerprint: model}
	anew := Place{Folder: old.Folder, Fingerprint: "model-b", Rebuild: true}
	x := reopen(t, s, nil, old)
	put(t, x, Entry("a.jpg", 1))
	y := reopen(t, s, x, anew)
	wide := loopitr.Entry{Item: Item("a.jpg", 1), Encoding: loopitr.Encoding{Vector: Vector(1, 12)}}
	put(t, y, wide)
	y = reopen(t, s, y, anew) // interrupted: goes on where it stopped
	diff(t, "items so far", []loopitr.Item{Item("a.jpg", 1)}, all(t, y))
	x = reopen(t, s, y, old) // not published: the old one is still what is found
	diff(t, "old", []string{"a.jpg"}, paths(nearest(t, x, loopitr.Lookup{Vector: Vector(1, 8), Count: 5})))
	y = reopen(t, s, x, anew)
	for range 2 {
		if err := y.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := y.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Open(t.Context(), old)
	wantKind(t, "open the dropped model", err, loopitr.ErrInvalid)
	y = reopen(t, s, nil, Place{Folder: old.Folder, Fingerprint: "model-b"})
	defer y.Close()
	diff(t, "new", []string{"a.jpg"}, paths(nearest(t, y, loopitr.Lookup{Vector: Vector(1, 12), Count: 5})))
}

// testConcurrency writes and searches at once. Pairs of items with opposite
// vectors are put and deleted together, so that a search that sees half of a call
// shows it.
func testConcurrency(t *testing.T, s Store) {
	x := open(t, s)
	put(t, x, Entry("always.jpg", 1000))
	var work sync.WaitGroup
	for w := range 2 {
		work.Go(func() {
			for n := range 15 {
				a, b := Entry(fmt.Sprintf("%d/%d/a", w, n), 2*n+100*w), Entry(fmt.Sprintf("%d/%d/b", w, n), 2*n+1+100*w)
				if err := x.Put(t.Context(), []loopitr.Entry{a, b}); err != nil {
					t.Error(err)
				}
				if n%3 == 0 {
					if _, err := x.Delete(t.Context(), []string{a.Path, b.Path}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 3 {
		work.Go(func() {
			for range 25 {
				found, err := x.Nearest(t.Context(), loopitr.Lookup{Vector: Vector(1000, 8), Count: 200})
				if err != nil {
					t.Error(err)
					return
				}
				if len(found)%2 != 1 || found[0].Item.Path != "always.jpg" {
					t.Errorf("a search saw half of a call: %v", paths(found))
				}
			}
		})
	}
	work.Wait()
	if got := len(all(t, x)); got != 41 {
		t.Errorf("%d items at the end, want 41", got)
	}
}

func testCancelled(t *testing.T, s Store) {
	x := open(t, s)
	put(t, x, Entry("a.jpg", 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range calls(x) {
		wantKind(t, name, call(ctx), context.Canceled)
	}
	diff(t, "items", []loopitr.Item{Item("a.jpg", 1)}, all(t, x))
}

func testClosed(t *testing.T, s Store) {
	x, err := s.Open(t.Context(), Place{Folder: t.TempDir(), Fingerprint: model})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := x.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	for name, call := range calls(x) {
		wantKind(t, name, call(t.Context()), loopitr.ErrUnavailable)
	}
}

// calls is every method that can fail.
func calls(x loopitr.Index) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"put":    func(ctx context.Context) error { return x.Put(ctx, []loopitr.Entry{Entry("b.jpg", 2)}) },
		"delete": func(ctx context.Context) error { _, err := x.Delete(ctx, []string{"a.jpg"}); return err },
		"move": func(ctx context.Context) error {
			return x.Move(ctx, []loopitr.Move{{From: "a.jpg", To: Item("c.jpg", 1)}})
		},
		"item":    func(ctx context.Context) error { _, _, err := x.Item(ctx, "a.jpg"); return err },
		"items":   func(ctx context.Context) error { _, err := x.Items(ctx, "", 5); return err },
		"holders": func(ctx context.Context) error { _, err := x.Holders(ctx, Item("", 1).Hash); return err },
		"states":  func(ctx context.Context) error { _, err := x.States(ctx, []string{"a.jpg"}); return err },
		"publish": func(ctx context.Context) error { return x.Publish(ctx) },
		"nearest": func(ctx context.Context) error {
			_, err := x.Nearest(ctx, loopitr.Lookup{Vector: Vector(1, 8), Count: 1})
			return err
		},
	}
}
