package simd

import (
	"fmt"
	"os"
	"strings"
)

// Level is a set of instructions that kernels are written for.
type Level int

// The levels, each including the ones before it.
const (
	Generic Level = iota // plain Go, on every machine
	AVX2                 // AVX2, FMA and F16C
	AVX512               // AVX-512 F, BW, DQ, VL
)

// Variable is the environment variable that forces a level: generic, avx2 or avx512.
const Variable = "LOOPITR_SIMD"

// String returns the name that Variable takes.
func (l Level) String() string {
	switch l {
	case Generic:
		return "generic"
	case AVX2:
		return "avx2"
	case AVX512:
		return "avx512"
	}
	return fmt.Sprintf("Level(%d)", int(l))
}

// automatic is the highest level that is chosen without being asked for: the
// AVX-512 kernels are right in an emulator (scripts/avx512), but no machine has yet
// told whether they are faster.
const automatic = AVX2

// best is what this machine and build can run, level what kernels use now.
var (
	best  = detect()
	level = min(choose(os.Getenv(Variable)), best)
)

// choose maps the environment variable's value to a level; unset or unknown
// means the best automatic one.
func choose(value string) Level {
	for l := Generic; l <= AVX512; l++ {
		if strings.EqualFold(value, l.String()) {
			return l
		}
	}
	return min(best, automatic)
}

// Active returns the level that kernels use.
func Active() Level { return level }

// Available returns the levels that this machine and build can run, plainest first.
func Available() []Level {
	levels := []Level{Generic}
	for l := AVX2; l <= best; l++ {
		levels = append(levels, l)
	}
	return levels
}

// Honoured returns nil if Variable is unset or its level is the active one, and
// otherwise an error that says what runs instead.
func Honoured() error {
	value := os.Getenv(Variable)
	if value == "" || strings.EqualFold(value, level.String()) {
		return nil
	}
	return fmt.Errorf("choose simd level: %s=%q is not available here: using %s", Variable, value, level)
}

// Use switches to another level and returns a function that switches back; a
// level this machine lacks becomes the best it has. For tests: no kernel may run
// during either switch.
func Use(l Level) (restore func()) {
	before := level
	level = min(l, best)
	return func() { level = before }
}

// vectors reports whether n elements are for the assembly.
func vectors(n int) bool { return level >= AVX2 && n > 0 }
