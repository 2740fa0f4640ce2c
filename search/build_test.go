package search_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
	"github.com/loopitr/loopitr/search"
)

// build runs Build and checks what must always hold.
func (f *folder) build(change func(*search.BuildConfig)) (search.Report, map[string]error) {
	f.t.Helper()
	skipped := map[string]error{}
	c := search.BuildConfig{
		Folder: f.fs(), Index: f.index, Encoder: f.model, Preparer: f.model,
		Skipped: func(s search.Skip) { skipped[s.Path] = s.Err },
	}
	if change != nil {
		change(&c)
	}
	r, err := search.Build(f.t.Context(), c)
	if err != nil {
		f.t.Fatal(err)
	}
	if sum := r.Unchanged + r.Encoded + r.Touched + r.Moved + r.Duplicates + r.SkippedFiles; sum != r.Found {
		f.t.Errorf("report %+v: the parts sum to %d", r, sum)
	}
	if len(skipped) != r.SkippedFiles+r.SkippedFolders {
		f.t.Errorf("report %+v, but these were skipped: %v", r, skipped)
	}
	return r, skipped
}

func TestBuildIsIncremental(t *testing.T) {
	files := map[string]string{
		"a.jpg": "PIC red", "sub/b.PNG": "PIC green", "sub/deep/c.jpeg": "PIC blue", "sub.d/e.webp": "PIC red",
		"notes.txt": "PIC no", ".hidden/x.jpg": "PIC no", ".y.jpg": "PIC no", "node_modules/z.jpg": "PIC no",
		".loopitr/w.jpg": "PIC no",
	}
	f := newFolder(t, files)
	r, _ := f.build(nil)
	diff(t, "first", search.Report{Found: 4, Encoded: 3, Duplicates: 1}, r)
	want := map[string]string{"a.jpg": "PIC red", "sub/b.PNG": "PIC green", "sub/deep/c.jpeg": "PIC blue", "sub.d/e.webp": "PIC red"}
	wantHeld(t, f.index, want)

	r, _ = f.build(nil)
	diff(t, "again", search.Report{Found: 4, Unchanged: 4}, r)

	// Changed, touched, moved, copied, deleted and new, all at once.
	f.write(map[string]string{"a.jpg": "PIC yellow", "copy.jpg": "PIC green", "new.gif": "PIC white"})
	later := time.Now().Add(time.Hour)
	must(t, os.Chtimes(filepath.Join(f.root, "sub/b.PNG"), later, later))
	must(t, os.Rename(filepath.Join(f.root, "sub/deep"), filepath.Join(f.root, "elsewhere")))
	must(t, os.Remove(filepath.Join(f.root, "sub.d/e.webp")))
	f.model.pictures = nil
	r, _ = f.build(nil)
	diff(t, "after changes", search.Report{Found: 5, Encoded: 2, Touched: 1, Moved: 1, Duplicates: 1, Removed: 1}, r)
	diff(t, "encoded", []string{"yellow", "white"}, f.model.pictures)
	wantHeld(t, f.index, map[string]string{
		"a.jpg": "PIC yellow", "copy.jpg": "PIC green", "new.gif": "PIC white",
		"sub/b.PNG": "PIC green", "elsewhere/c.jpeg": "PIC blue",
	})
	item, _, err := f.index.Item(t.Context(), "elsewhere/c.jpeg")
	must(t, err)
	diff(t, "facts of a moved item", loopitr.Facts{Width: 4, Height: 1, Format: "fake"}, item.Facts)
	r, _ = f.build(nil)
	diff(t, "at last", search.Report{Found: 5, Unchanged: 5}, r)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBuildKeepsEncodingsOfSwappedFiles(t *testing.T) {
	f := newFolder(t, map[string]string{"a.jpg": "PIC long one", "b.jpg": "PIC two"})
	f.build(nil)
	f.model.pictures = nil
	f.write(map[string]string{"a.jpg": "PIC two", "b.jpg": "PIC long one"})
	r, _ := f.build(nil)
	diff(t, "report", search.Report{Found: 2, Duplicates: 2}, r)
	diff(t, "encoded", []string{}, f.model.pictures)
	wantHeld(t, f.index, map[string]string{"a.jpg": "PIC two", "b.jpg": "PIC long one"})

	// With every file its own commit the first content is dropped before the
	// second file asks for it, so it is encoded again.
	f.write(map[string]string{"a.jpg": "PIC long one", "b.jpg": "PIC two"})
	r, _ = f.build(func(c *search.BuildConfig) { c.CommitItems = 1 })
	diff(t, "report", search.Report{Found: 2, Duplicates: 1, Encoded: 1}, r)
	wantHeld(t, f.index, map[string]string{"a.jpg": "PIC long one", "b.jpg": "PIC two"})
}

func TestBuildFollowsFoldersOnlyWhenAsked(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("making links needs a right there, and Wine makes folders of them")
	}
	f := newFolder(t, map[string]string{"a/b/x.jpg": "PIC x"})
	outside := newFolder(t, map[string]string{"y.jpg": "PIC y"})
	must(t, os.Symlink(outside.root, filepath.Join(f.root, "link")))
	must(t, os.Symlink("../..", filepath.Join(f.root, "a", "b", "loop")))
	must(t, os.Symlink(".", filepath.Join(f.root, "self")))
	r, _ := f.build(nil)
	diff(t, "not followed", search.Report{Found: 1, Encoded: 1}, r)
	r, _ = f.build(func(c *search.BuildConfig) { c.Follow = true })
	diff(t, "followed", search.Report{Found: 2, Unchanged: 1, Encoded: 1}, r)
	wantHeld(t, f.index, map[string]string{"a/b/x.jpg": "PIC x", "link/y.jpg": "PIC y"})
	r, _ = f.build(nil)
	diff(t, "no longer followed", search.Report{Found: 1, Unchanged: 1, Removed: 1}, r)
}

func TestBuildExcludes(t *testing.T) {
	f := newFolder(t, map[string]string{"a.jpg": "PIC a", "raw/b.jpg": "PIC b", "x/raw/c.jpg": "PIC c", ".h.jpg": "PIC h", "x/thumb_1.jpg": "PIC t"})
	f.build(func(c *search.BuildConfig) { c.Exclude = []string{"x/raw", "thumb_*"}; c.Hidden = true })
	wantHeld(t, f.index, map[string]string{"a.jpg": "PIC a", "raw/b.jpg": "PIC b", ".h.jpg": "PIC h"})
	r, _ := f.build(func(c *search.BuildConfig) { c.Exclude = []string{"raw"} })
	diff(t, "report", search.Report{Found: 2, Unchanged: 1, Encoded: 1, Removed: 2}, r)
}

// broken is a file system on which some names cannot be read.
type broken struct {
	fs.FS
	names map[string]bool
}

var errBroken = errors.New("input/output error")

func (b broken) Open(name string) (fs.File, error) {
	if b.names[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errBroken}
	}
	return b.FS.Open(name)
}

func TestBuildKeepsWhatCannotBeReadNow(t *testing.T) {
	files := map[string]string{
		"a.jpg": "PIC a", "d.x/f.jpg": "PIC f", "d/b.jpg": "PIC b", "d/e/c.jpg": "PIC c", "d0.jpg": "PIC 0", "gone.jpg": "PIC gone",
	}
	f := newFolder(t, files)
	f.build(nil)
	f.write(map[string]string{"a.jpg": "PIC changed"})
	must(t, os.Remove(filepath.Join(f.root, "gone.jpg")))
	r, skipped := f.build(func(c *search.BuildConfig) {
		c.Folder = broken{f.fs(), map[string]bool{"a.jpg": true, "d": true}}
	})
	diff(t, "report", search.Report{Found: 3, Unchanged: 2, SkippedFiles: 1, SkippedFolders: 1, Removed: 1}, r)
	for _, name := range []string{"a.jpg", "d/"} {
		if !errors.Is(skipped[name], errBroken) {
			t.Errorf("%s: skipped because of %v", name, skipped[name])
		}
	}
	delete(files, "gone.jpg")
	wantHeld(t, f.index, files)
}

func TestBuildRefuses(t *testing.T) {
	f := newFolder(t, map[string]string{"a.jpg": "PIC a"})
	base := search.BuildConfig{Folder: f.fs(), Index: f.index, Encoder: f.model, Preparer: f.model}
	for name, one := range map[string]struct {
		change func(*search.BuildConfig)
		kind   error
	}{
		"no folder":       {func(c *search.BuildConfig) { c.Folder = nil }, loopitr.ErrInvalid},
		"negative batch":  {func(c *search.BuildConfig) { c.Batch = -1 }, loopitr.ErrInvalid},
		"bad pattern":     {func(c *search.BuildConfig) { c.Exclude = []string{"["} }, loopitr.ErrInvalid},
		"missing folder":  {func(c *search.BuildConfig) { c.Folder = os.DirFS(filepath.Join(f.root, "none")) }, loopitr.ErrNotFound},
		"file":            {func(c *search.BuildConfig) { c.Folder = os.DirFS(filepath.Join(f.root, "a.jpg")) }, loopitr.ErrInvalid},
		"unreadable root": {func(c *search.BuildConfig) { c.Folder = broken{f.fs(), map[string]bool{".": true}} }, loopitr.ErrUnavailable},
		"other model":     {func(c *search.BuildConfig) { c.Encoder = &fake{fingerprint: "fake-2"} }, loopitr.ErrInvalid},
	} {
		c := base
		one.change(&c)
		_, err := search.Build(t.Context(), c)
		wantKind(t, name, err, one.kind)
	}
	diff(t, "items", map[string]loopitr.Hash{}, held(t, f.index))
}

func TestBuildTellsProgress(t *testing.T) {
	f := newFolder(t, nil)
	many(f, 50)
	var last search.Progress
	r, _ := f.build(func(c *search.BuildConfig) {
		c.Progress = func(p search.Progress) {
			if p.Found < last.Found || p.Encoded < last.Encoded {
				t.Errorf("progress went back from %+v to %+v", last, p)
			}
			last = p
		}
	})
	diff(t, "last progress", r, last.Report)
	if last.Total != 50 && last.Total != -1 {
		t.Errorf("total %d, want 50", last.Total)
	}
}

func TestBuildForAnotherModelSwitchesAtTheEnd(t *testing.T) {
	f := newFolder(t, map[string]string{"a.jpg": "PIC a", "b.jpg": "PIC b"})
	at := filepath.Join(t.TempDir(), "index.db")
	f.index = openIndex(t, at, sqlite.Config{Fingerprint: "fake-1"})
	f.build(nil)
	must(t, f.index.Close())

	f.model.fingerprint = "fake-2"
	f.model.onImages = func(ctx context.Context, words []string) error {
		old := openIndex(t, at, sqlite.Config{Fingerprint: "fake-1", ReadOnly: true})
		defer old.Close()
		if got := len(held(t, old)); got != 2 {
			t.Errorf("%d items found during the build, want 2", got)
		}
		return nil
	}
	f.index = openIndex(t, at, sqlite.Config{Fingerprint: "fake-2", Rebuild: true})
	r, _ := f.build(nil)
	diff(t, "report", search.Report{Found: 2, Encoded: 2}, r)
	_, err := sqlite.Open(t.Context(), at, sqlite.Config{Fingerprint: "fake-1"})
	wantKind(t, "open for the old model", err, loopitr.ErrInvalid)
}

// TestBuildFollowsAnyChange changes a tree at random and builds, over and over:
// the index says what is there, and only contents that it did not hold are encoded.
func TestBuildFollowsAnyChange(t *testing.T) {
	names := []string{"a.jpg", "a/b.jpg", "a/c.jpg", "a-d.jpg", "e/f/g.jpg", "h.jpg"}
	f := newFolder(t, nil)
	rapid.Check(t, func(rt *rapid.T) {
		for _, name := range names {
			must(t, os.RemoveAll(filepath.Join(f.root, name)))
		}
		f.build(nil)
		files := map[string]string{}
		for range rapid.IntRange(1, 3).Draw(rt, "builds") {
			before := map[string]bool{}
			for _, content := range files {
				before[content] = true
			}
			for range rapid.IntRange(0, 5).Draw(rt, "changes") {
				name := rapid.SampledFrom(names).Draw(rt, "name")
				if rapid.IntRange(0, 3).Draw(rt, "remove") == 0 {
					delete(files, name)
					must(t, os.RemoveAll(filepath.Join(f.root, name)))
					continue
				}
				// Contents differ in length, so that no change hides in one clock tick.
				files[name] = "PIC x" + strings.Repeat("x", rapid.IntRange(0, 7).Draw(rt, "content"))
				f.write(map[string]string{name: files[name]})
			}
			f.model.pictures = nil
			f.build(func(c *search.BuildConfig) { c.Batch = rapid.IntRange(1, 3).Draw(rt, "batch") })
			wantHeld(t, f.index, files)
			fresh := map[string]bool{}
			for _, content := range files {
				if !before[content] {
					fresh[strings.TrimPrefix(content, "PIC ")] = true
				}
			}
			slices.Sort(f.model.pictures)
			diff(t, "encoded", slices.Sorted(maps.Keys(fresh)), f.model.pictures)
			if t.Failed() {
				rt.FailNow()
			}
		}
		for name, content := range files {
			_, v, err := f.index.Item(t.Context(), name)
			must(t, err)
			diff(t, "vector", encoding(strings.TrimPrefix(content, "PIC ")).Vector, v)
			if hash := sha256.Sum256([]byte(content)); held(t, f.index)[name] != hash {
				t.Errorf("%s: another content", name)
			}
		}
	})
}
