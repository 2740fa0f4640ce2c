// Package loss is what the network learns from, as graph functions: contrast for
// the dual encoder, hard negatives for the cross encoder, match on them, distill
// between the two, and masked tokens for pre-training (docs/paper.md,
// "The losses"; which choices are the paper's and which are ours stands there).
//
// It knows no network, no optimiser and no device, and draws no random numbers:
// noise comes in as a node, so that every engine and every resumed run chooses
// the same negatives. No result and no gradient is NaN while the inputs are
// finite, whatever is masked.
//
// Letters: B pairs of a batch; m negatives of a picture or a caption; K = 1+m
// candidates, the positive first; N = B+2mB pairs to judge. s is a dual logit,
// cosine over temperature; z is a match log-odds.
//
// Start with Contrast, then HardNegatives and Judged, which carry one batch from
// the dual encoder's similarities to Match and Distill.
package loss
