//go:build linux && amd64

package main

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A program of many threads runs to its end, signals and all, and its exit code comes back.
func TestProgramIsTracedToItsEnd(t *testing.T) {
	const child = "AMX_TEST_CHILD"
	if os.Getenv(child) != "" {
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				runtime.LockOSThread() // the thread ends with the goroutine
				for began := time.Now(); time.Since(began) < 30*time.Millisecond; {
					runtime.GC() // stops all others by signals
				}
			})
		}
		group.Wait()
		os.Exit(7)
	}
	t.Setenv(child, "1")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	code, emulated, err := run([]string{os.Args[0], "-test.run=^TestProgramIsTracedToItsEnd$"})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skip("no leave to trace here: ", err)
	}
	if err != nil || code != 7 || emulated != 0 {
		t.Errorf("exit code %d, %d instructions emulated, %v", code, emulated, err)
	}
}

func TestProgramThatIsNotThere(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, err := run([]string{"/nowhere/program"}); err == nil || !strings.HasPrefix(err.Error(), "start: ") {
		t.Errorf("error = %v", err)
	}
}
