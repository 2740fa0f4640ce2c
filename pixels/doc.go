// Package pixels turns the bytes of a picture file into numbers: it decodes
// safely, applies the EXIF orientation, composites on white, resizes exactly as
// Pillow's antialiased bicubic does, normalises, and augments for training.
//
// It does not read files, does not follow names or links, and knows nothing of
// networks. Pixels equal Pillow's to the bit, JPEG's too (package pixels/jpeg).
// Embedded colour profiles are ignored, as the training pipelines of the field do.
//
// Start with Prepare, which is the whole path for one picture; Augmenter.Augment
// is its counterpart in training. Image is what every function here takes and
// makes.
package pixels
