package loopitr

// Query is what a search asks for.
type Query struct {
	// Parts are mixed into one query vector: the sum of weight times unit
	// vector, brought back to unit length. At least one.
	Parts  []Part
	Filter Filter
	// Count is how many hits are wanted.
	Count int
	// Rerank is how many candidates the cross encoder judges; 0 leaves the
	// dual encoder's order.
	Rerank int
	// MinMatch drops hits whose match probability is below it, and those that
	// were not judged; 0 drops none.
	MinMatch float32
}

// Part is one ingredient of a query. Exactly one of Text, Picture and Item is set.
type Part struct {
	Weight  float32 // not 0; negative leads away
	Text    string
	Picture []byte // an encoded picture file
	Item    string // path of a stored item
}

// Hit is one picture found. Rank and DualRank count from 1.
type Hit struct {
	Path string `json:"path"`
	// Score orders judged hits (ScoreRule); a hit that was not judged has its
	// cosine here and stands behind all that were.
	Score float32 `json:"score"`
	// Dual is the cosine of query vector and picture vector.
	Dual float32 `json:"dual"`
	// Match is the cross encoder's match probability, nil when it did not judge.
	Match    *float32 `json:"match"`
	Rank     int      `json:"rank"`
	DualRank int      `json:"dual_rank"`
	// Duplicates are other paths with the same content.
	Duplicates []string `json:"duplicates,omitempty"`
}

// Result is the answer to one query.
type Result struct {
	Hits []Hit `json:"hits"`
	// Reranked says that the cross encoder judged candidates; Reason says why not.
	Reranked bool   `json:"reranked"`
	Reason   string `json:"reason,omitempty"`
	// Judged counts the pairs the cross encoder judged, BelowMatch the judged
	// hits that MinMatch dropped.
	Judged     int     `json:"judged"`
	BelowMatch int     `json:"below_match,omitempty"`
	Seconds    Seconds `json:"seconds"`
}

// Seconds is where the time of a query went.
type Seconds struct {
	Encode  float64 `json:"encode"`
	Nearest float64 `json:"nearest"`
	Match   float64 `json:"match"`
}
