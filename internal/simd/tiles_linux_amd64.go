package simd

import "golang.org/x/sys/unix"

// tileRegisters asks the kernel for AMX's tile registers for this process, which
// costs nothing until they are used, and reports whether it gives them.
func tileRegisters() bool {
	const (
		requestFeature = 0x1023 // ARCH_REQ_XCOMP_PERM
		tileData       = 18     // XFEATURE_XTILEDATA
	)
	_, _, err := unix.RawSyscall(unix.SYS_ARCH_PRCTL, requestFeature, tileData, 0)
	return err == 0
}
