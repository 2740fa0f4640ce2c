package search_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/search"
)

// many writes n pictures and returns them.
func many(f *folder, n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("%d/%03d.jpg", i%3, i)] = fmt.Sprintf("PIC number %d", i)
	}
	f.write(files)
	return files
}

func TestBuildStoppedCommitsWhatIsDone(t *testing.T) {
	engine := errors.New("engine broke")
	for name, one := range map[string]struct {
		stop func(cancel context.CancelFunc) error
		want error
	}{
		"cancelled":    {func(cancel context.CancelFunc) error { cancel(); return nil }, context.Canceled},
		"engine error": {func(context.CancelFunc) error { return engine }, engine},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, nil)
			files := many(f, 100)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls := 0
			f.model.onImages = func(context.Context, []string) error {
				if calls++; calls == 4 {
					return one.stop(cancel)
				}
				return nil
			}
			c := search.BuildConfig{Folder: f.fs(), Index: f.index, Encoder: f.model, Preparer: f.model, Batch: 10, CommitItems: 1000, CommitEvery: time.Hour}
			before := goleak.IgnoreCurrent()
			r, err := search.Build(ctx, c)
			if err := goleak.Find(before, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener")); err != nil {
				t.Error(err)
			}
			if !errors.Is(err, one.want) {
				t.Errorf("error %v, want %v", err, one.want)
			}
			if got := len(held(t, f.index)); got != 30 || r.Encoded != 30 {
				t.Errorf("%d items held and %d encoded, want 30", got, r.Encoded)
			}
			f.model.onImages, f.model.pictures = nil, nil
			r, _ = f.build(nil)
			diff(t, "resumed", search.Report{Found: 100, Unchanged: 30, Encoded: 70}, r)
			wantHeld(t, f.index, files)
		})
	}
}

// A copy of a picture whose encoding was cut off has nothing to take over. It must
// not spoil the commit of what was encoded before.
func TestBuildStoppedBesideCopiesCommitsWhatIsDone(t *testing.T) {
	engine := errors.New("engine broke")
	for name, one := range map[string]struct {
		stop func(cancel context.CancelFunc) error
		want error
	}{
		"cancelled":    {func(cancel context.CancelFunc) error { cancel(); return nil }, context.Canceled},
		"engine error": {func(context.CancelFunc) error { return engine }, engine},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, nil)
			f.write(map[string]string{
				"a.jpg": "PIC one", "b.jpg": "PIC two", // the first batch
				"c.jpg": "PIC three", "d.jpg": "PIC three", "e.jpg": "PIC four", // the second, and a copy
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls := 0
			f.model.onImages = func(context.Context, []string) error {
				if calls++; calls == 2 {
					return one.stop(cancel)
				}
				return nil
			}
			c := search.BuildConfig{Folder: f.fs(), Index: f.index, Encoder: f.model, Preparer: f.model, Batch: 2, CommitEvery: time.Hour}
			_, err := search.Build(ctx, c)
			if !errors.Is(err, one.want) || errors.Is(err, loopitr.ErrNotFound) {
				t.Errorf("error %v, want %v alone", err, one.want)
			}
			wantHeld(t, f.index, map[string]string{"a.jpg": "PIC one", "b.jpg": "PIC two"})
		})
	}
}

// The encoder's last call comes after the walk is over.
func TestBuildStoppedAtTheEndCommitsWhatIsDone(t *testing.T) {
	f := newFolder(t, map[string]string{"a.jpg": "PIC one", "b.jpg": "PIC two", "c.jpg": "PIC three"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.model.onImages = func(_ context.Context, words []string) error {
		if words[0] == "three" {
			cancel()
		}
		return nil
	}
	c := search.BuildConfig{Folder: f.fs(), Index: f.index, Encoder: f.model, Preparer: f.model, Batch: 2, CommitEvery: time.Hour}
	if _, err := search.Build(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	wantHeld(t, f.index, map[string]string{"a.jpg": "PIC one", "b.jpg": "PIC two"})
}

// stopping is an index that a stop reaches in the middle of one of its calls.
type stopping struct {
	loopitr.Index
	call string
	stop func()
}

func (x *stopping) at(call string) {
	if x.call == call {
		x.stop()
	}
}

func (x *stopping) Put(ctx context.Context, entries []loopitr.Entry) error {
	x.at("put")
	return x.Index.Put(ctx, entries)
}

func (x *stopping) Move(ctx context.Context, moves []loopitr.Move) error {
	x.at("move")
	return x.Index.Move(ctx, moves)
}

func (x *stopping) Delete(ctx context.Context, paths []string) (int, error) {
	x.at("delete")
	return x.Index.Delete(ctx, paths)
}

func TestBuildStoppedWhileCommittingCommitsWhatIsDone(t *testing.T) {
	for _, call := range []string{"put", "move", "delete"} {
		t.Run(call, func(t *testing.T) {
			f := newFolder(t, map[string]string{"a.jpg": "PIC one", "x.jpg": "PIC two"})
			f.build(nil)
			must(t, os.Rename(filepath.Join(f.root, "x.jpg"), filepath.Join(f.root, "c.jpg")))
			f.write(map[string]string{"a.jpg": "no picture now", "b.jpg": "PIC three", "d.jpg": "PIC four"})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			x := &stopping{f.index, call, cancel}
			// The first commit holds a delete, a put and a move.
			c := search.BuildConfig{Folder: f.fs(), Index: x, Encoder: f.model, Preparer: f.model, CommitItems: 3, CommitEvery: time.Hour}
			if _, err := search.Build(ctx, c); !errors.Is(err, context.Canceled) || errors.Is(err, loopitr.ErrNotFound) {
				t.Errorf("error %v, want %v alone", err, context.Canceled)
			}
			wantHeld(t, f.index, map[string]string{"b.jpg": "PIC three", "c.jpg": "PIC two"})
		})
	}
}

// full is an index whose disk has room for some calls only.
type full struct {
	loopitr.Index
	room int
}

func (x *full) Put(ctx context.Context, entries []loopitr.Entry) error {
	if x.room--; x.room < 0 {
		return fmt.Errorf("disk is full: %w", loopitr.ErrUnavailable)
	}
	return x.Index.Put(ctx, entries)
}

func TestBuildOnAFullDisk(t *testing.T) {
	f := newFolder(t, nil)
	files := many(f, 50)
	c := search.BuildConfig{Folder: f.fs(), Index: &full{f.index, 2}, Encoder: f.model, Preparer: f.model, CommitItems: 10}
	_, err := search.Build(t.Context(), c)
	wantKind(t, "build", err, loopitr.ErrUnavailable)
	if strings.Count(fmt.Sprint(err), "disk is full") != 1 {
		t.Errorf("error %q says it more than once", err)
	}
	if got := len(held(t, f.index)); got != 20 {
		t.Errorf("%d items held, want 20", got)
	}
	f.build(nil)
	wantHeld(t, f.index, files)
}

// deaf is an index that cannot be asked for contents.
type deaf struct{ loopitr.Index }

func (deaf) Holders(context.Context, loopitr.Hash) ([]loopitr.Item, error) {
	return nil, fmt.Errorf("server is away: %w", loopitr.ErrUnavailable)
}

func TestBuildDoesNotBlameFilesForTheIndex(t *testing.T) {
	f := newFolder(t, map[string]string{"a.jpg": "PIC one", "b.jpg": "PIC two"})
	c := search.BuildConfig{
		Folder: f.fs(), Index: deaf{f.index}, Encoder: f.model, Preparer: f.model,
		Skipped: func(s search.Skip) { t.Errorf("%q was skipped: %v", s.Path, s.Err) },
	}
	_, err := search.Build(t.Context(), c)
	wantKind(t, "build", err, loopitr.ErrUnavailable)
}

func TestBuildRefusesVectorsThatAreNotFinite(t *testing.T) {
	f := newFolder(t, map[string]string{"a.jpg": "PIC    "}) // no words: 0/0
	_, err := search.Build(t.Context(), search.BuildConfig{Folder: f.fs(), Index: f.index, Encoder: f.model, Preparer: f.model})
	wantKind(t, "NaN", err, loopitr.ErrCorrupt)
}
