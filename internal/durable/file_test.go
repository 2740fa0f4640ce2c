package durable_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/loopitr/loopitr/internal/durable"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := durable.WriteBytes(path, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

func wantContent(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v, want %q", filepath.Base(path), got, err, want)
	}
}

func TestWriteFileKeepsTheOldOneWhenItFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	write(t, path, "old")
	broken := errors.New("broken")
	err := durable.WriteFile(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, "new")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	wantContent(t, path, "old")
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
	write(t, path, "new")
	wantContent(t, path, "new")
}

func TestWriteFileTakesLongNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 255))
	write(t, path, "content")
	wantContent(t, path, "content")
}

func TestWriteFileNeedsAFolder(t *testing.T) {
	if err := durable.WriteBytes(filepath.Join(t.TempDir(), "absent", "a"), nil); !errors.Is(err, os.ErrNotExist) ||
		strings.Contains(err.Error(), ".tmp") || !strings.Contains(err.Error(), "make folder") {
		t.Errorf("got %v", err)
	}
	if err := durable.WriteBytes(t.TempDir(), nil); err == nil {
		t.Error("a folder was overwritten")
	}
}

func TestRemoveUnfinished(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".a-1.tmp", ".a-2.tmp", ".b-1.tmp", "a.tmp", ".a"} {
		write(t, filepath.Join(dir, name), "")
	}
	names := func() string {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, e := range entries {
			text += e.Name() + " "
		}
		return text
	}
	if err := durable.RemoveUnfinished(dir, "a-"); err != nil {
		t.Fatal(err)
	}
	if got, want := names(), ".a .b-1.tmp a.tmp "; got != want {
		t.Errorf("left: %s, want %s", got, want)
	}
	if err := durable.RemoveUnfinished(dir, ""); err != nil {
		t.Fatal(err)
	}
	if got, want := names(), ".a a.tmp "; got != want {
		t.Errorf("left: %s, want %s", got, want)
	}
	if err := durable.RemoveUnfinished(filepath.Join(dir, "absent"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestFull(t *testing.T) {
	if durable.Full(nil) || durable.Full(errors.New("broken")) {
		t.Error("a disk is full that is not")
	}
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		if !durable.Full(fmt.Errorf("write: %w", full)) {
			t.Errorf("%v is not noticed", full)
		}
	}
}
