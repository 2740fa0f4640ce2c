//go:build linux

package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/index/sqlite"
)

// Jobs of a scheduler start at the same time on an index that is not there yet.
func TestManyMakeOneIndex(t *testing.T) {
	for range 30 {
		path := filepath.Join(t.TempDir(), "index.db")
		var jobs sync.WaitGroup
		for n := range 3 {
			jobs.Go(func() {
				x, err := sqlite.Open(t.Context(), path, forModelA)
				if err != nil {
					t.Error(err)
					return
				}
				defer x.Close()
				if err := x.Put(t.Context(), batch(n)[:1]); err != nil {
					t.Error(err)
				}
			})
		}
		jobs.Wait()
		x := openAt(t, path, forModelA)
		if items, err := x.Items(t.Context(), "", 100); err != nil || len(items) != 3 {
			t.Errorf("%d items, %v, want 3", len(items), err)
		}
	}
}

// A process may be killed when its file is a database and not yet an index.
func TestIndexKilledInItsMakingIsMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=auto_vacuum(2)")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if stat, err := os.Stat(path); err != nil || stat.Size() == 0 {
		t.Fatalf("no empty database was made: %v", err)
	}
	_, err = sqlite.Open(t.Context(), path, sqlite.Config{ReadOnly: true})
	wantKind(t, "read", err, loopitr.ErrNotFound)
	x := openAt(t, path, forModelA)
	if err := x.Put(t.Context(), batch(0)); err != nil {
		t.Error(err)
	}
}
