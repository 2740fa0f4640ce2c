package train_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/infer"
	"github.com/loopitr/loopitr/train"
)

// smallDisk mounts a file system of its own; that needs root.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("mounting is not possible here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fill leaves about left bytes.
func fill(t *testing.T, dir string, left uint64) (file string) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "filler")
	if err := os.WriteFile(file, make([]byte, s.Bavail*uint64(s.Bsize)-left), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFullDiskKeepsTheLastGoodState(t *testing.T) {
	set, e := sixteen(t), openEngine(t)
	disk := smallDisk(t)
	o := train.Options{Config: noisy(4), Dir: filepath.Join(disk, "model"), Train: set, Engine: e}
	if _, err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	before := weights(t, o.Dir)
	filler := fill(t, disk, 200<<10)
	o.Resume, o.Config = true, train.Config{Steps: 8}
	if _, err := train.Run(t.Context(), o); !errors.Is(err, loopitr.ErrUnavailable) {
		t.Fatalf("on a full disk: %v, want unavailable", err)
	}
	if diff := differ(before, weights(t, o.Dir)); diff != "" {
		t.Errorf("the state is another: %s", diff)
	}
	m, err := infer.Open(o.Dir, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	result, err := train.Run(t.Context(), o)
	if err != nil || result.Step != 8 {
		t.Errorf("with room again: step %d, %v", result.Step, err)
	}
}
