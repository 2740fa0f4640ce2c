package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
)

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	write(t, path, "four")
	for _, test := range []struct {
		path  string
		limit int64
		want  error
	}{
		{path, 4, nil}, {path, 5, nil}, {path, 3, loopitr.ErrInvalid},
		{dir, 1 << 20, loopitr.ErrInvalid}, {filepath.Join(dir, "b"), 4, loopitr.ErrNotFound}, {filepath.Join(dir, "b"), 4, fs.ErrNotExist},
	} {
		content, err := durable.ReadFile(test.path, test.limit)
		switch {
		case !errors.Is(err, test.want):
			t.Errorf("%q within %d: got %v, want %v", test.path, test.limit, err, test.want)
		case err == nil && string(content) != "four":
			t.Errorf("got %q", content)
		case err != nil && strings.Count(err.Error(), strconv.Quote(test.path)) != 1:
			t.Errorf("the file is not named once: %v", err)
		}
	}
}

// Files of /proc have a size of zero.
func TestReadFileOfUnstatedSize(t *testing.T) {
	const path = "/proc/self/status"
	if _, err := os.Stat(path); err != nil {
		t.Skip("there is no /proc here")
	}
	if _, err := durable.ReadFile(path, 8); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
