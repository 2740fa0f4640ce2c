//go:build unix

package search_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/search"
)

func TestBuildSkipsBadFiles(t *testing.T) {
	f := newFolder(t, map[string]string{
		"good.jpg": "PIC good", "empty.jpg": "", "garbage.png": "\x89PNG nonsense", "huge.jpg": "PIC " + strings.Repeat("x", 500),
		"folder.jpg/inside.jpg": "PIC inside", "refused.jpg": "PIC refused", "refused copy.jpg": "PIC refused",
	})
	must(t, os.Symlink("loop.jpg", filepath.Join(f.root, "loop.jpg")))
	must(t, os.Symlink("nowhere", filepath.Join(f.root, "dangling.jpg")))
	must(t, os.Symlink("good.jpg", filepath.Join(f.root, "link.jpg")))
	must(t, os.Symlink("..", filepath.Join(f.root, "folder.jpg", "up")))
	must(t, syscall.Mkfifo(filepath.Join(f.root, "pipe.jpg"), 0o600))
	must(t, os.WriteFile(filepath.Join(f.root, "\xff.jpg"), []byte("PIC latin"), 0o600))
	f.model.onImages = func(_ context.Context, words []string) error {
		if slices.Contains(words, "refused") {
			return fmt.Errorf("wrong size: %w", loopitr.ErrInvalid)
		}
		return nil
	}
	limit := func(c *search.BuildConfig) { c.MaxFileBytes = 100; c.Follow = true }
	r, skipped := f.build(limit)
	diff(t, "report", search.Report{Found: 12, Encoded: 2, Duplicates: 1, SkippedFiles: 9}, r)
	for path, reason := range map[string]string{
		"empty.jpg": "empty", "garbage.png": "no picture", "huge.jpg": "504 bytes", "loop.jpg": "", "dangling.jpg": "",
		"pipe.jpg": "regular", "\xff.jpg": "UTF-8", "refused.jpg": "wrong size", "refused copy.jpg": "wrong size",
	} {
		if err := skipped[path]; err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: skipped because of %v, want %q", path, err, reason)
		}
	}
	want := map[string]string{"good.jpg": "PIC good", "link.jpg": "PIC good", "folder.jpg/inside.jpg": "PIC inside"}
	wantHeld(t, f.index, want)

	// A picture that becomes garbage leaves the index.
	f.write(map[string]string{"good.jpg": "rubbish"})
	r, _ = f.build(limit)
	if r.Removed != 2 { // the link to it as well
		t.Errorf("removed %d, want 2", r.Removed)
	}
	wantHeld(t, f.index, map[string]string{"folder.jpg/inside.jpg": "PIC inside"})
}
