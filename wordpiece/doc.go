// Package wordpiece turns captions into the token ids that the text encoder
// reads, and learns the vocabulary to do it with.
//
// Tokenizing is BERT's: clean, split at white space and punctuation, then
// greedy longest match against a vocabulary whose inner pieces start with "##".
// With Uncased it gives the ids of the reference tokenizer for every string we
// know; Normalizer says where and why it can differ.
//
// Captions are text and nothing else: "[SEP]" in a caption is three words, never
// a separator. The package reads no files by itself (ReadVocabulary takes a
// Reader), knows no network, and corrects no spelling.
//
// Start with ReadVocabulary or Train, choose Rules (ALBEF, BLIP or Plain), and
// give both to New; Tokenizer.EncodeBatch makes what the network reads.
package wordpiece
