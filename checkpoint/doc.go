// Package checkpoint keeps models and training states on disk.
//
// A model is a folder: config.json (a format number and whatever value the caller
// stores), model.safetensors (the weights), vocab.txt, and README.md (the model
// card). Save replaces a whole model or nothing: stopped at any moment, Open still
// finds the old model or the new one. Loading is strict: missing, unexpected and
// mis-shaped tensors are listed together, and weights that are not finite are
// refused.
//
// A training state is one safetensors file per saved step with a digest inside;
// a damaged newest one gives way to the one before.
//
// The package knows no network: names and shapes come from the caller, values
// are float32, and the configuration is any value that encoding/json takes.
//
// Start with Save and Open; SaveState and LoadState are for exact resume.
package checkpoint
