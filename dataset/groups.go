package dataset

import "slices"

// Pair is one caption with its picture, by position in a Set's Records.
type Pair struct {
	Picture int32 // index of the record
	Caption int32 // index within the record's captions
}

// Groups knows which captions are the same text and which pictures carry it, so
// that pairs which are right for each other are never each other's negatives.
type Groups struct {
	first   []int32 // index of each record's first caption; one more at the end
	caption []int32 // text number of each caption
	texts   int
}

// NewGroups numbers the captions of records: captions are the same text when
// they are equal but for case and white space.
func NewGroups(records []Record) *Groups {
	g := &Groups{first: make([]int32, 1, len(records)+1)}
	numbers := map[string]int32{}
	for _, r := range records {
		for _, caption := range r.Captions {
			text := groupText(caption)
			n, known := numbers[text]
			if !known {
				n = int32(len(numbers))
				numbers[text] = n
			}
			g.caption = append(g.caption, n)
		}
		g.first = append(g.first, int32(len(g.caption)))
	}
	g.texts = len(numbers)
	return g
}

// Pictures is the number of picture groups: each record is one.
func (g *Groups) Pictures() int { return len(g.first) - 1 }

// Captions is the number of captions.
func (g *Groups) Captions() int { return len(g.caption) }

// Texts is the number of different caption texts.
func (g *Groups) Texts() int { return g.texts }

// CaptionsOf is the number of captions of a picture.
func (g *Groups) CaptionsOf(picture int) int {
	return int(g.first[picture+1] - g.first[picture])
}

// Text is the number of a pair's caption text, 0 to Texts()-1.
func (g *Groups) Text(p Pair) int { return int(g.caption[g.first[p.Picture]+p.Caption]) }

// Related reports whether two pairs share a picture, or the caption of one is
// also a caption of the other's picture: two drawings of an apple are related
// even while one is called by its name and the other by its keywords.
func (g *Groups) Related(a, b Pair) bool {
	return a.Picture == b.Picture || g.describes(g.Text(a), b.Picture) || g.describes(g.Text(b), a.Picture)
}

// describes tells whether a text is among a picture's captions.
func (g *Groups) describes(text int, picture int32) bool {
	return slices.Contains(g.textsOf(picture), int32(text))
}

// textsOf are the text numbers of a picture's captions.
func (g *Groups) textsOf(picture int32) []int32 {
	return g.caption[g.first[picture]:g.first[picture+1]]
}

// all lists every pair in the order of the records.
func (g *Groups) all() []Pair {
	pairs := make([]Pair, 0, len(g.caption))
	for i := range g.Pictures() {
		for c := range g.CaptionsOf(i) {
			pairs = append(pairs, Pair{Picture: int32(i), Caption: int32(c)})
		}
	}
	return pairs
}
