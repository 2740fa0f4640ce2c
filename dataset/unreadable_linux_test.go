package dataset_test

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// Tests often run as the superuser, who reads everything: here one thread reads as
// nobody.
func TestUnreadableFilesAreSkippedWithoutPrivilege(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("without privilege TestUnreadableFilesAreSkipped shows it")
	}
	const nobody = 65534
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer syscall.Setfsuid(0)
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Skipf("the user of files cannot be changed here: %v", err)
	}
	probe, err := os.MkdirTemp("", "")
	if err != nil {
		t.Skipf("temporary files are not for everybody here: %v", err)
	}
	if err := os.Remove(probe); err != nil {
		t.Fatal(err)
	}
	skipsUnreadable(t)
}
