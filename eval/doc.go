// Package eval measures a model on a split: retrieval with the dual encoder alone
// and in two stages, with the time of each.
//
// Measure encodes every picture and caption, ranks both directions by cosine, and
// has the matcher judge each query's k best candidates. Re-ranked means: those k
// in the order of the score rule, everything else behind them in the dual
// encoder's order. Figures follow package recall: R@k counts a picture's own
// captions and a caption's own picture, while mAP@R also counts as right the
// partners of other captions with the same text. No matrix of all scores is held.
//
// The package trains nothing, reads no files and knows no engine: it takes the
// root's Encoder and Matcher.
//
// Start with Measure and Scores.Result; ChooseWeight and Sweep use the same scores.
package eval
