package search_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/loopitr/loopitr/search"
)

// watched is a folder that calls back before it answers. before returns an error
// to answer with.
type watched struct {
	fs.FS
	before func(call, name string) error
}

func (w watched) Open(name string) (fs.File, error) {
	if err := w.before("open", name); err != nil {
		return nil, err
	}
	return w.FS.Open(name)
}

func (w watched) Stat(name string) (fs.FileInfo, error) {
	if err := w.before("stat", name); err != nil {
		return nil, err
	}
	return fs.Stat(w.FS, name)
}

// A file moves, and another comes to where it was before the walk gets there.
func TestBuildWhileAMovedFileIsReplaced(t *testing.T) {
	f := newFolder(t, map[string]string{"d/x.jpg": "PIC one"})
	f.build(nil)
	must(t, os.Rename(filepath.Join(f.root, "d/x.jpg"), filepath.Join(f.root, "a.jpg")))
	replaced := make(chan struct{})
	var once sync.Once
	before := func(call, name string) error {
		switch call + " " + name {
		case "open d":
			<-replaced
		case "stat d/x.jpg":
			var err error
			once.Do(func() {
				err = fs.ErrNotExist
				f.write(map[string]string{"d/x.jpg": "PIC another"})
				close(replaced)
			})
			return err
		}
		return nil
	}
	r, _ := f.build(func(c *search.BuildConfig) { c.Folder = watched{f.fs(), before} })
	diff(t, "report", search.Report{Found: 2, Moved: 1, Encoded: 1}, r)
	wantHeld(t, f.index, map[string]string{"a.jpg": "PIC one", "d/x.jpg": "PIC another"})
}

// A file moves, another comes to where it was, is met by the walk, and goes.
func TestBuildWhileTheFileBehindAMoveGoes(t *testing.T) {
	f := newFolder(t, map[string]string{"a.jpg": "PIC one"})
	f.build(nil)
	f.write(map[string]string{"a.jpg": "PIC another", "z.jpg": "PIC one"})
	var opened atomic.Bool
	before := func(call, name string) error {
		switch call + " " + name {
		case "open z.jpg":
			opened.Store(true)
		case "stat a.jpg":
			if opened.Load() {
				return fs.ErrNotExist
			}
		}
		return nil
	}
	r, _ := f.build(func(c *search.BuildConfig) { c.Folder, c.Readers = watched{f.fs(), before}, 1 })
	diff(t, "report", search.Report{Found: 2, Encoded: 1, Duplicates: 1}, r)
	wantHeld(t, f.index, map[string]string{"a.jpg": "PIC another", "z.jpg": "PIC one"})
}
