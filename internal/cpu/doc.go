// Package cpu is a compute backend for GoMLX in pure Go: it runs the graphs of a
// transformer's training step or inference on the processor's cores, near the
// machine's peak, without cgo.
//
// It does not run convolutions, Fourier transforms, complex numbers or several
// devices: those return compute.ErrNotImplemented, and Capabilities says so. It
// registers itself nowhere; whoever wants it calls New.
//
// A graph goes through five stages, one file each to start with:
//
//	record    function.go    the graph layer's calls become nodes with shapes
//	simplify  simplify.go    dead code, common subexpressions, barriers, constants
//	fuse      fuse.go        chains of elementwise work and row reductions become tile programs
//	plan      memory.go      one arena per executable from live ranges
//	run       run.go         steps in order, each parallel inside
//
// Results do not depend on the number of threads, nor on who computes what: each
// piece is computed the same way wherever it runs, what is summed in parts is cut by
// shape alone and added in a fixed order, and the tiles of a product, which are cut
// for the threads, leave the order of each number's sum as it is.
package cpu
