// Package simd holds the arithmetic kernels of the CPU engine: matrix products,
// attention, row and elementwise operations on float32 slices, number format
// conversions and the int8 scan of the index. Each has a plain Go form, which is
// its specification and the fallback everywhere; on amd64 the hot ones also have AVX2+FMA and
// AVX-512 assembly, products of bfloat16 AVX512-BF16's and AMX's, made by the generator
// in gen (`go generate` reproduces it). A function named ...Vectors is both AVX2's and
// AVX-512's and looks at the active Level itself.
//
// It does not know graphs, tensors of more than two axes, goroutines or devices:
// every function runs on the calling goroutine, and the caller divides work over
// workers. A result never depends on that division: the summation order of each
// output element is fixed by the whole operation's shape and the active Level, not
// by the range of rows or columns that one call computes. Levels differ from each
// other in the last bits, but for AVX2 and AVX512 where each element is computed alone.
//
// Slices must have the lengths the comments name; a shorter one panics before
// anything is written. A destination may be the very same slice as an operand
// where a comment says so and must otherwise not overlap one.
//
// Softmax, layer norms and optimizer steps are no kernels: internal/cpu makes them
// of these, tile by tile.
//
// Start with Product for matrices, Attention for attention, Add for elementwise
// operations, Sum for reductions.
package simd

//go:generate go run ./gen
