// Package train teaches a network: the loop over batches, the step (forward,
// losses, gradients, update), validation, and a run's folder with exact resume.
//
// It never sees a test split, knows no command line and prints nothing: progress
// goes to Options.Observe and into the run's folder.
//
// A run's folder is a model folder, the best model so far by validation, with
// run/ in it: run.json (the recipe), vocab.txt, the last two states, metrics.jsonl,
// loss.png and recall.png, and tokens/ where a vision tower is frozen. Batches, augmentation and noise are functions of the seed and
// the step's number alone, so a run that was killed and resumed computes the same
// bits as one that was not.
//
// Start with Run; step.go holds the paper's loop, accumulate.go the same loop for
// batches that are larger than memory.
package train
