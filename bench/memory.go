package bench

import (
	"fmt"
	"os"
	"strings"
)

// availableMemory is how many bytes can be had without swapping; 0 where the
// system does not say (it does on Linux).
func availableMemory() float64 {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(info)) {
		var kilobytes float64
		if _, err := fmt.Sscanf(line, "MemAvailable: %f kB", &kilobytes); err == nil {
			return kilobytes * 1024
		}
	}
	return 0
}
