package simd_test

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is the time this thread has run: other work on the machine
// counts only through the caches it shares.
func processorTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}
