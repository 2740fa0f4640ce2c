package search_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/loopitr/loopitr/search"
)

// drawer is a folder of pictures that are made when they are read, hundred to a
// folder, so that only what Build keeps is in memory.
type drawer struct{ count int }

const perFolder = 100

// size is of every file.
const drawnSize = 2000

func (d drawer) Open(name string) (fs.File, error) {
	var n int
	if _, err := fmt.Sscanf(path.Base(name), "%d.jpg", &n); err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	content := fmt.Appendf(nil, "PIC number %d ", n)
	content = append(content, bytes.Repeat([]byte{'x'}, drawnSize-len(content))...)
	return drawn{bytes.NewReader(content), drawnInfo{name: path.Base(name)}}, nil
}

func (d drawer) Stat(name string) (fs.FileInfo, error) {
	return drawnInfo{path.Base(name), !strings.HasSuffix(name, ".jpg")}, nil
}

func (d drawer) ReadDir(name string) ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	if name == "." {
		for n := range d.count / perFolder {
			entries = append(entries, fs.FileInfoToDirEntry(drawnInfo{fmt.Sprintf("%06d", n), true}))
		}
		return entries, nil
	}
	var folder int
	if _, err := fmt.Sscan(strings.TrimLeft(name, "0")+" ", &folder); err != nil {
		folder = 0
	}
	for n := range perFolder {
		entries = append(entries, fs.FileInfoToDirEntry(drawnInfo{fmt.Sprintf("%06d.jpg", folder*perFolder+n), false}))
	}
	return entries, nil
}

type drawn struct {
	io.Reader
	info drawnInfo
}

func (f drawn) Stat() (fs.FileInfo, error) { return f.info, nil }
func (drawn) Close() error                 { return nil }

type drawnInfo struct {
	name   string
	folder bool
}

func (i drawnInfo) Name() string       { return i.name }
func (i drawnInfo) Size() int64        { return drawnSize }
func (i drawnInfo) ModTime() time.Time { return time.Unix(1, 0) }
func (i drawnInfo) IsDir() bool        { return i.folder }
func (i drawnInfo) Sys() any           { return nil }
func (i drawnInfo) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// TestBuildsMemoryDoesNotGrowWithThePictures: 10,000 of them are 20 MB of files and
// 80 MB of states, of which only what waits may be held.
func TestBuildsMemoryDoesNotGrowWithThePictures(t *testing.T) {
	count := 10000
	if testing.Short() {
		count = 2000
	}
	f := newFolder(t, nil)
	seen, early, late := 0, uint64(0), uint64(0)
	f.model.onImages = func(_ context.Context, words []string) error {
		f.model.pictures = nil // the fake's own notes
		before := seen
		seen += len(words)
		if before*50/count == seen*50/count { // look fifty times
			return nil
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if seen <= count/5 {
			early = max(early, m.HeapAlloc)
		} else {
			late = max(late, m.HeapAlloc)
		}
		return nil
	}
	r, err := search.Build(t.Context(), search.BuildConfig{Folder: drawer{count}, Index: f.index, Encoder: f.model, Preparer: f.model, Batch: 20, CommitItems: 100})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "report", search.Report{Found: count, Encoded: count}, r)
	if early == 0 || late > early+4<<20 {
		t.Errorf("at most %d bytes of heap in the first fifth, %d later", early, late)
	}
}
