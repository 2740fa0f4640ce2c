//go:build unix

package durable_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

func TestWriteFileFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	write(t, target, "old")
	if err := os.Symlink("target", link); err != nil {
		t.Fatal(err)
	}
	write(t, link, "new")
	wantContent(t, target, "new")
	if stat, err := os.Lstat(link); err != nil || stat.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", stat.Mode(), err)
	}
}

func TestWriteFileHonoursTheMask(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, "secret")
	if stat, err := os.Stat(path); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", stat.Mode(), err)
	}
}

func TestWriteFileNeverReplacesADevice(t *testing.T) {
	write(t, os.DevNull, "x")
	if stat, err := os.Stat(os.DevNull); err != nil || stat.Mode().IsRegular() {
		t.Errorf("%s is now %v, %v", os.DevNull, stat.Mode(), err)
	}
}

// A file that is open already has a name below /proc or /dev/fd, which must go on
// naming that file.
func TestWriteFileWritesToWhatIsOpen(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("there is no /proc here")
	}
	path := filepath.Join(t.TempDir(), "open")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("before, "); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/proc/self/fd/", "/dev/fd/"} {
		write(t, name+strconv.Itoa(int(f.Fd())), "after")
	}
	wantContent(t, path, "before, afterafter")
}
