// Package network is the one network of loopitr as graph functions: a vision
// tower, a text tower, a cross encoder on top of both, and the heads that make
// vectors and match logits of them (docs/paper.md, "The network"). It also lists the
// network's parameters, by the names they have on disk and in errors, and their
// initial values.
//
// It holds no weights, no loss, no optimiser, no file and no device: weights come
// in as graph nodes, results go out as graph nodes. Functions panic, as graph
// operations do; internal/engine turns that into errors.
//
// Shapes use these letters everywhere: B pictures, captions or pairs; P picture
// tokens, [CLS] included; T caption tokens; D a tower's width; E the projection;
// V the vocabulary; S the image size in pixels.
//
// Start with Config and its presets, then LoopITR, whose methods are the figure
// of the paper: Vision, Text, Cross.
package network
