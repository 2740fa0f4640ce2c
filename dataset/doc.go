// Package dataset reads pictures with captions, and their splits, from disk into
// one schema that training and evaluation share, and writes that schema
// back as JSON lines, tables, Karpathy's and Flickr's files and shards.
//
// A Set is a list of Records, one picture with its captions each, and the bytes
// of picture i on demand. The bytes may lie in a folder, in a zip, in tar shards,
// in Parquet rows, or be absent because a token file holds the picture's tokens.
// The Sampler cuts a set into batches as a pure function of seed and step.
//
// It decodes no picture, tokenizes no caption and downloads nothing. A row that
// cannot be used is skipped with one line and counted (Skips), and only
// Options.Strict makes it an error.
//
// Start with Open. The formats are listed there.
package dataset
