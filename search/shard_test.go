package search_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
	"github.com/loopitr/loopitr/search"
)

func shard(i, n int) func(*search.BuildConfig) {
	return func(c *search.BuildConfig) { c.Shard = search.Shard{Number: i, Of: n} }
}

// manyFiles are pictures in folders, some with the same content.
func manyFiles() map[string]string {
	files := map[string]string{}
	for i := range 60 {
		files[fmt.Sprintf("%d/%d.jpg", i%4, i)] = fmt.Sprintf("PIC number%d", i%50)
	}
	return files
}

func TestShardsTogetherAreTheWhole(t *testing.T) {
	files := manyFiles()
	f := newFolder(t, files)
	const n = 3
	found := 0
	for i := 1; i <= n; i++ {
		r, _ := f.build(shard(i, n))
		if r.Found < len(files)/n/3 {
			t.Errorf("part %d has %d of %d pictures", i, r.Found, len(files))
		}
		if r.Removed > 0 {
			t.Errorf("part %d removed %d items", i, r.Removed)
		}
		found += r.Found
	}
	if found != len(files) {
		t.Errorf("%d pictures in all parts, want %d", found, len(files))
	}
	wantHeld(t, f.index, files)
	r, _ := f.build(nil)
	diff(t, "the whole afterwards", search.Report{Found: len(files), Unchanged: len(files)}, r)
}

func TestShardLeavesOtherPartsAlone(t *testing.T) {
	files := manyFiles()
	f := newFolder(t, files)
	f.build(nil)
	must(t, os.RemoveAll(filepath.Join(f.root, "0")))
	must(t, os.Rename(filepath.Join(f.root, "1"), filepath.Join(f.root, "9")))
	want := map[string]string{}
	for name, content := range files {
		switch {
		case name[0] == '0':
		case name[0] == '1':
			want["9"+name[1:]] = content
		default:
			want[name] = content
		}
	}
	removed := 0
	for i := 1; i <= 2; i++ {
		r, _ := f.build(shard(i, 2))
		removed += r.Removed + r.Moved
		if i == 1 && r.Removed+r.Moved >= 30 {
			t.Errorf("the first part removed %d items and moved %d, of 30 that are gone", r.Removed, r.Moved)
		}
	}
	if removed != 30 {
		t.Errorf("%d items removed or moved, want 30", removed)
	}
	wantHeld(t, f.index, want)
}

// Jobs of a scheduler fill one file at the same time.
func TestShardsAtTheSameTime(t *testing.T) {
	files := manyFiles()
	f := newFolder(t, files)
	path := filepath.Join(t.TempDir(), "index.db")
	const n = 4
	var jobs sync.WaitGroup
	for i := 1; i <= n; i++ {
		model := newFake()
		x := openIndex(t, path, sqlite.Config{Fingerprint: "fake-1", Tokens: sqlite.Float16Tokens})
		jobs.Go(func() {
			_, err := search.Build(t.Context(), search.BuildConfig{
				Folder: f.fs(), Index: x, Encoder: model, Preparer: model, Shard: search.Shard{Number: i, Of: n}, CommitItems: 3,
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	jobs.Wait()
	wantHeld(t, openIndex(t, path, sqlite.Config{Fingerprint: "fake-1"}), files)
}

func TestShardIsValidated(t *testing.T) {
	for _, s := range []search.Shard{{Number: 0, Of: 2}, {Number: 3, Of: 2}, {Number: 1, Of: 0}, {Number: -1, Of: -1}} {
		wantKind(t, fmt.Sprint(s), s.Validate(), loopitr.ErrInvalid)
	}
	for _, s := range []search.Shard{{}, {Number: 1, Of: 1}, {Number: 2, Of: 2}} {
		must(t, s.Validate())
	}
}
