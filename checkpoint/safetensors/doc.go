// Package safetensors reads and writes the safetensors file format: an eight-byte
// little-endian header length, a JSON header naming every tensor with its element
// type, shape and byte range, then the tensors' bytes without gaps.
//
// A file is not trusted. The header's length, JSON, names, shapes and ranges are
// all checked before memory is taken for any tensor, and an error wrapping
// loopitr.ErrCorrupt names what is wrong. Tensors are read when asked for, so a
// file may be larger than memory.
//
// The package knows nothing of models: strict loading against expected names is
// package checkpoint's.
//
// Start with Open to read and WriteFile to write.
package safetensors
