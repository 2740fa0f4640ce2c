package simd

// UseAutomatic switches to the kernels that run where Variable is not set.
func UseAutomatic() (restore func()) { return use(machine.choose("")) }
