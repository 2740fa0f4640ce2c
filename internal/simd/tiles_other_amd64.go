//go:build !linux

package simd

// tileRegisters reports that AMX is not for use: how other systems give it to a
// process was not tried.
func tileRegisters() bool { return false }
