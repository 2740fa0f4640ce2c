// Package loopitr holds the words that every part of loopitr shares: what a
// picture, an encoding, a hit and an index are, and the contracts between the
// parts that encode, match, store and search. It does no work itself and
// imports nothing but the standard library.
//
// One network holds two encoders. The dual encoder turns pictures and captions
// into vectors separately, so millions can be searched with dot products; the
// cross encoder reads caption tokens and picture tokens together and judges one
// pair at a time. Search finds candidates with the first and re-orders them with
// the second.
//
// The words, each used for one thing everywhere:
//
//	dual           the encoders whose vectors are compared by cosine
//	cross          the encoder that reads one caption with one picture
//	contrast       the dual encoder's training loss over a batch
//	match          the cross encoder's judgement of a pair: log-odds z, probability sigmoid(z)
//	distill        teaching the dual encoder the cross encoder's judgement
//	hard negative  a wrong partner the dual encoder finds likely
//	candidate      what the dual encoder found and the cross encoder is to judge
//	group          pairs that share a picture or a caption text: never each other's negatives
//	states         the token states an encoder leaves for the cross encoder
//	tokens         the states of a picture
//	fingerprint    the digest of weights and preprocessing that an index remembers
//
// Start with Encoder, Matcher and Index in this package, then read search for
// how one query runs and train for how one step runs (docs/architecture.md walks
// both).
package loopitr
