// Package infer runs a trained network: it opens a model folder, prepares
// pictures and captions as the model was trained with, and implements the root's
// Preparer, Encoder and Matcher on an engine.
//
// It does not train, store vectors, search or know a command line.
//
// Graphs are compiled per shape, so batches are cut into a few fixed sizes and
// padded: padding never changes a result beyond the last bits of float32. Start
// with Open.
package infer
