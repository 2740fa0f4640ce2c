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
	AMX                  // AMX-BF16's tile registers, for products of bfloat16
)

// Variable is the environment variable that forces a level: generic, avx2, avx512 or amx.
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
	case AMX:
		return "amx"
	}
	return fmt.Sprintf("Level(%d)", int(l))
}

// features are what a machine and build can run.
type features struct {
	best  Level
	pairs bool // AVX512-BF16's products of pairs of bfloat16; best is AVX512 at least then
}

// automatic is the level that is chosen without being asked for. AVX-512 is taken
// where AVX512-BF16 is, too: processors before it lower their clocks for wide
// instructions, on later ones it is twice as fast (Emerald Rapids) or as fast (Zen 4).
func (f features) automatic() Level {
	if !f.pairs {
		return min(f.best, AVX2)
	}
	return f.best
}

// choice is which kernels run. The assembly reads the level.
type choice struct {
	level Level
	pairs bool // for products of bfloat16, whatever the level
}

var (
	machine = detect()
	active  = machine.choose(os.Getenv(Variable))
)

// choose maps the environment variable's value to kernels: unset or unknown means
// the automatic level.
func (f features) choose(value string) choice {
	for l := Generic; l <= AMX; l++ {
		if strings.EqualFold(value, l.String()) {
			return f.at(l)
		}
	}
	return f.at(f.automatic())
}

// at returns the kernels of one level, or of the best if that is lower.
func (f features) at(l Level) choice {
	l = min(l, f.best)
	return choice{level: l, pairs: f.pairs && l >= AVX512}
}

// Active returns the level that kernels use.
func Active() Level { return active.level }

// NativeBFloat16 reports whether products of BFloat16 operands run in instructions of
// AVX512-BF16 or AMX; otherwise operands are rounded and multiplied as float32.
func NativeBFloat16() bool { return active.pairs }

// Available returns the levels that this machine and build can run, plainest first.
func Available() []Level {
	levels := []Level{Generic}
	for l := AVX2; l <= machine.best; l++ {
		levels = append(levels, l)
	}
	return levels
}

// Honoured returns nil if Variable is unset or its level is the active one, and
// otherwise an error that says what runs instead.
func Honoured() error {
	value := os.Getenv(Variable)
	if value == "" || strings.EqualFold(value, active.level.String()) {
		return nil
	}
	return fmt.Errorf("choose simd level: %s=%q is not available here: using %s", Variable, value, active.level)
}

// Use switches to another level, as Variable would, and returns a function that
// switches back; a level this machine lacks becomes the best it has. For tests: no
// kernel may run during either switch.
func Use(l Level) (restore func()) { return use(machine.at(l)) }

func use(c choice) (restore func()) {
	before := active
	active = c
	return func() { active = before }
}

// vectors reports whether n elements are for the assembly.
func vectors(n int) bool { return active.level >= AVX2 && n > 0 }

// grouped returns how many of n elements are for the assembly that AVX2 has for groups of
// eight only.
func grouped(n int) int {
	switch {
	case active.level >= AVX512:
		return n
	case active.level >= AVX2:
		return n &^ 7
	}
	return 0
}
