package durable_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/loopitr/loopitr/internal/durable"
)

func TestFullDeviceIsNoticed(t *testing.T) {
	if err := durable.WriteBytes("/dev/full", []byte("x")); !durable.Full(err) {
		t.Errorf("got %v", err)
	}
}

// On a file system of its own, which needs root.
func TestFullDiskKeepsTheOldFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mounting is not possible here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	path := filepath.Join(dir, "a")
	write(t, path, "old")
	err := durable.WriteFile(path, func(w io.Writer) error {
		for range 16 {
			if _, err := w.Write(bytes.Repeat([]byte("new "), 1<<15)); err != nil {
				return err
			}
		}
		return nil
	})
	if !durable.Full(err) {
		t.Errorf("got %v", err)
	}
	wantContent(t, path, "old")
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
	write(t, path, "new") // the space of the failed write is free again
	wantContent(t, path, "new")
}
