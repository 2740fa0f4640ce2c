//go:build unix

package dataset_test

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
)

// Opening a pipe would wait for a writer that never comes.
func TestPipesAreNoPictures(t *testing.T) {
	dir := tree(t, entry{"a.txt", "x"}, entry{"b.jpg", "B"}, entry{"b.txt", "bee"}, entry{"c.tsv", "a.jpg\t0\tx\nb.jpg\t0\tbee\n"})
	if err := syscall.Mkfifo(filepath.Join(dir, "a.jpg"), 0o644); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "c.tsv")} {
		s := openWith(t, dataset.Options{Path: path})
		sameRecords(t, s, record("b.jpg", "", "bee"))
		sameSkips(t, s, map[dataset.Reason]int{dataset.NotAFile: 1})
		if got, want := s.File(0), filepath.Join(dir, "b.jpg"); got != want {
			t.Errorf("file %q, want %q", got, want)
		}
	}
}

func TestPipeIsNoArchive(t *testing.T) {
	dir := tree(t, entry{"c.tsv", "a.jpg\t0\tx\n"})
	pipe := filepath.Join(dir, "p.zip")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	_, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(dir, "c.tsv"), Images: pipe})
	if !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}
