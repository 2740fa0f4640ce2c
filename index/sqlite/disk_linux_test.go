package sqlite_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/indextest"
	"github.com/loopitr/loopitr/index/sqlite"
)

// mount makes a file system of its own; that needs root.
func mount(t *testing.T, options string) (dir string, remount func(flags uintptr, options string)) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting is not possible here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir, func(flags uintptr, options string) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, options); err != nil {
			t.Fatal(err)
		}
	}
}

func batch(n int) []loopitr.Entry {
	var entries []loopitr.Entry
	for i := range 50 {
		e := indextest.Entry(fmt.Sprintf("%d/%d.jpg", n, i), 50*n+i)
		e.States = loopitr.States{Count: 8, Width: 64, Values: make([]float32, 512)}
		entries = append(entries, e)
	}
	return entries
}

func TestFullDisk(t *testing.T) {
	dir, remount := mount(t, "size=1m")
	path := filepath.Join(dir, "index.db")
	x := openAt(t, path, forModelA)
	stored := 0
	var full error
	for n := 0; n < 1000 && full == nil; n++ {
		if full = x.Put(t.Context(), batch(n)); full == nil {
			stored++
		}
	}
	wantKind(t, "put on a full disk", full, loopitr.ErrUnavailable)
	check := func(when string, want int) {
		t.Helper()
		items, err := x.Items(t.Context(), "", 1<<20)
		if err != nil || len(items) != want {
			t.Errorf("%s: %d items, %v, want %d", when, len(items), err, want)
		}
		if found := search(t, x, indextest.Vector(1, 8), 1<<20); len(found) != want {
			t.Errorf("%s: %d found, want %d", when, len(found), want)
		}
	}
	check("full", 50*stored)
	if err := x.Close(); err != nil {
		t.Logf("close: %v", err)
	}
	x = openAt(t, path, forModelA)
	check("opened again", 50*stored)
	remount(0, "size=8m")
	if err := x.Put(t.Context(), batch(stored)); err != nil {
		t.Errorf("put after space was made: %v", err)
	}
	check("space made", 50*stored+50)
	if err := x.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyFolder(t *testing.T) {
	dir, remount := mount(t, "size=8m")
	path := filepath.Join(dir, "index.db")
	x := openAt(t, path, forModelA)
	if err := x.Put(t.Context(), batch(0)); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	remount(syscall.MS_RDONLY, "")
	x = openAt(t, path, sqlite.Config{Fingerprint: "model-a", ReadOnly: true})
	if found := search(t, x, indextest.Vector(1, 8), 100); len(found) != 50 {
		t.Errorf("%d found, want 50", len(found))
	}
	wantKind(t, "put", x.Put(t.Context(), batch(1)), loopitr.ErrUnavailable)
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	y, err := sqlite.Open(t.Context(), path, forModelA)
	if err == nil {
		err = y.Put(t.Context(), batch(1))
		y.Close()
	}
	wantKind(t, "put into a folder that cannot be written", err, loopitr.ErrUnavailable)
	_, err = sqlite.Open(t.Context(), filepath.Join(dir, "new", "index.db"), forModelA)
	wantKind(t, "create in a folder that cannot be written", err, loopitr.ErrUnavailable)

	// A log that was not written back makes the file alone incomplete.
	remount(0, "")
	if err := os.WriteFile(path+"-wal", []byte("unfinished"), 0o600); err != nil {
		t.Fatal(err)
	}
	remount(syscall.MS_RDONLY, "")
	_, err = sqlite.Open(t.Context(), path, sqlite.Config{Fingerprint: "model-a", ReadOnly: true})
	wantKind(t, "open with an unfinished log", err, loopitr.ErrUnavailable)
}

// TestReadOnlyLeavesNoTraces looks for files that a search would leave beside the
// index.
func TestReadOnlyLeavesNoTraces(t *testing.T) {
	path := indexFile(t, 5)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := use(t.Context(), path, sqlite.Config{ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Errorf("the file was changed (%v)", err)
	}
	if names, _ := filepath.Glob(path + "*"); len(names) != 1 {
		t.Errorf("files %v, want the index alone", names)
	}
}

// TestTwoWriters is two processes building at once, as far as SQLite can tell.
func TestTwoWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	var work sync.WaitGroup
	for w := range 2 {
		x := openAt(t, path, forModelA)
		work.Go(func() {
			for n := range 5 {
				if err := x.Put(t.Context(), batch(10*w+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	x := openAt(t, path, sqlite.Config{ReadOnly: true})
	if found := search(t, x, indextest.Vector(1, 8), 1000); len(found) != 500 {
		t.Errorf("%d found, want 500", len(found))
	}
}

// TestIndexReplacedByAnotherModel uses an index whose generation was dropped by
// another process.
func TestIndexReplacedByAnotherModel(t *testing.T) {
	path := indexFile(t, 3)
	old := openAt(t, path, forModelA)
	search(t, old, indextest.Vector(1, 8), 3)
	other := openAt(t, path, sqlite.Config{Fingerprint: "model-b", Rebuild: true, Model: "models/b"})
	if err := other.Put(t.Context(), batch(0)); err != nil {
		t.Fatal(err)
	}
	if err := other.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := old.Nearest(t.Context(), loopitr.Lookup{Vector: indextest.Vector(1, 8), Count: 1})
	wantKind(t, "search", err, loopitr.ErrUnavailable)
	_, err = old.Items(t.Context(), "", 1)
	wantKind(t, "list", err, loopitr.ErrUnavailable)
	wantKind(t, "put", old.Put(t.Context(), batch(0)), loopitr.ErrUnavailable)
	for _, remark := range []string{"", "moved/b"} {
		x := openAt(t, path, sqlite.Config{Fingerprint: "model-b", Model: remark})
		want := cmp.Or(remark, "models/b")
		reader := openAt(t, path, sqlite.Config{ReadOnly: true})
		if reader.Fingerprint() != "model-b" || reader.Model() != want || x.Model() != want {
			t.Errorf("fingerprint %q, model %q and %q, want %q", reader.Fingerprint(), reader.Model(), x.Model(), want)
		}
	}
}
