package loopitr

import (
	"context"
	"time"
)

// Vector is a dual-encoder embedding of length one; the dot product of two is
// their cosine.
type Vector []float32

// States are the token states one encoder leaves for the cross encoder:
// Count rows of Width values, row after row. Padding is never stored.
type States struct {
	Count, Width int
	Values       []float32 // len = Count*Width
}

// Encoding is what the dual encoder knows of one caption or one picture.
type Encoding struct {
	Vector Vector
	States States
}

// Picture is one vision-tower input, already resized to what the network takes.
// Exactly one field is set.
type Picture struct {
	// Pixels is size*size RGB triples, row after row, before normalisation.
	Pixels []uint8
	// Tokens is what a frozen backbone made of the picture (vision.input: tokens).
	Tokens States
}

// Facts is what a picture file says of itself. Zero values mean unknown.
type Facts struct {
	Width, Height int       // pixels, after EXIF orientation is applied
	Format        string    // "jpeg", "png", "gif", "webp", "bmp", "tiff"
	Taken         time.Time // EXIF date
	Camera        string    // EXIF make and model
	Place         *Place
}

// Place is where a picture was taken, in degrees.
type Place struct{ Latitude, Longitude float64 }

// Preparer turns the bytes of a picture file into the vision tower's input.
// It may be called concurrently.
type Preparer interface {
	// Prepare returns an error wrapping ErrInvalid when the bytes are no
	// picture, are damaged, or exceed the pixel limit (checked before decoding).
	// encoded is not retained.
	Prepare(encoded []byte) (Picture, Facts, error)
}

// Encoder is the dual encoder of one model. It may be called concurrently.
type Encoder interface {
	// EncodeTexts returns one encoding per caption, in order. An empty caption
	// is encoded as such, not refused. The error is ctx's or the engine's;
	// there are no partial results.
	EncodeTexts(ctx context.Context, captions []string) ([]Encoding, error)
	// EncodeImages returns one encoding per picture, in order. A picture of the
	// wrong size wraps ErrInvalid and nothing is returned.
	EncodeImages(ctx context.Context, pictures []Picture) ([]Encoding, error)
	// Fingerprint identifies weights and preprocessing: encodings of two
	// encoders may be compared only if their fingerprints are equal.
	Fingerprint() string
}

// Pair is one caption and one picture, encoded, for the cross encoder to judge.
type Pair struct{ Text, Image States }

// Matcher is the cross encoder of one model. It may be called concurrently.
type Matcher interface {
	// Match returns the match log-odds z of each pair, in order; the match
	// probability is sigmoid(z). States that another model made give
	// meaningless values or an error wrapping ErrInvalid when their shape shows
	// it. No pairs give no values. Runs of pairs that share a caption are the
	// cheap case.
	Match(ctx context.Context, pairs []Pair) ([]float32, error)
	// Rule combines both encoders' judgement into the score that orders
	// re-ranked hits.
	Rule() ScoreRule
}

// ScoreRule is how a re-ranked score is made: z + Weight*s, where z is the match
// log-odds and s the dual logit, cosine/Temperature. The paper's rule is Weight 0;
// another Weight is chosen on validation and stored with the model.
type ScoreRule struct {
	Weight      float32
	Temperature float32
}

// Score applies the rule to a pair's match log-odds and cosine.
func (r ScoreRule) Score(z, cosine float32) float32 {
	if r.Weight == 0 {
		return z
	}
	return z + r.Weight*cosine/r.Temperature
}
