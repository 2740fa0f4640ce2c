// Package recall turns ranks into retrieval figures: recall at 1, 5 and 10, median
// and mean rank, and mAP@R, for pictures that look for captions and captions that
// look for pictures, with bootstrap intervals.
//
// The protocol is Karpathy's: an image-to-text query counts the best-ranked of the
// picture's own captions, a text-to-image query has its own picture as the one
// target. mAP@R alone also counts as right what belongs together without being
// each other's own, such as the pictures of another caption with the same words.
// Ties count against the model: a wrong item with an equal score stands before
// the right one, so a model that gives every pair the same score finds nothing.
//
// The package computes no scores and never holds a matrix of them: Counter and
// Top take scores block by block.
//
// Start with Counter and Place to get a Query's ranks, then Summarize, or
// Measure where two ways of retrieving are to be compared.
package recall
