// Package engine is the only door to compute devices: it opens an engine by
// name, compiles graphs for it, keeps variables on the device between runs and
// turns what engines panic with into errors that name the program and the
// operation.
//
// It knows no network, no loss and no file. One Program is compiled for one set
// of input shapes; who calls it buckets lengths and pads batches.
//
// Start with Open, then Engine.Compile for a function of host tensors, or
// Engine.NewState and State.Compile for steps over variables that stay on the
// device (weights, moments).
package engine
