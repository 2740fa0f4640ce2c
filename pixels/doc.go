// Package pixels turns the bytes of a picture file into numbers: it decodes
// safely, applies the EXIF orientation, composites on white, resizes exactly as
// Pillow's antialiased bicubic does, normalises, and augments for training.
//
// It does not read files, does not follow names or links, and knows nothing of
// networks. JPEG pixels may differ by a few levels from libjpeg's, because the
// inverse transform is Go's; everything after decoding is bit-exact with Pillow.
// Embedded colour profiles are ignored, as the training pipelines of the field do.
//
// Start with Prepare, which is the whole path for one picture; Augmenter.Augment
// is its counterpart in training. Image is what every function here takes and
// makes.
package pixels
