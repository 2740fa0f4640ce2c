// Package torch reads the files that torch.save writes: the zip form of today and
// the legacy form before PyTorch 1.6. It finds the tensors in nested dictionaries
// and reads their elements when asked for, so a file may be larger than memory.
//
// Such a file holds a pickle, which is a program. Nothing of it is run here: the
// few globals that PyTorch needs for tensors, storages and ordered dictionaries
// are understood, a few that hold settings are passed over, and any other is an
// error that names it. Lengths, offsets and strides are checked before memory is
// taken, and errors wrap loopitr.ErrCorrupt.
//
// Write makes the zip form of dictionaries of tensors and texts. The package knows
// nothing of models: that is package convert's.
//
// Start with Open.
package torch
