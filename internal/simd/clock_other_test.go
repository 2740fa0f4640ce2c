//go:build !linux

package simd_test

import "time"

var epoch = time.Now()

// processorTime is wall time where the thread's own is not at hand.
func processorTime() time.Duration { return time.Since(epoch) }
