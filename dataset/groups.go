package dataset

// Pair is one caption with its picture, by position in a Set's Records.
type Pair struct {
	Picture int32 // index of the record
	Caption int32 // index within the record's captions
}

// Groups knows which captions are the same text and which pictures are the same,
// so that pairs which share either are never each other's negatives.
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

// Related reports whether two pairs share a picture or a caption text.
func (g *Groups) Related(a, b Pair) bool {
	return a.Picture == b.Picture || g.Text(a) == g.Text(b)
}

// Of numbers the groups of a batch: pairs that are related, directly or
// through others of the batch, have the same number. Batches of a Sampler have
// as many groups as pairs.
func (g *Groups) Of(pairs []Pair) []int {
	group := make([]int, len(pairs))
	parent := make([]int, len(pairs))
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	pictures, texts := map[int32]int{}, map[int]int{}
	for i, p := range pairs {
		parent[i] = i
		if j, seen := pictures[p.Picture]; seen {
			parent[root(i)] = root(j)
		}
		if j, seen := texts[g.Text(p)]; seen {
			parent[root(i)] = root(j)
		}
		pictures[p.Picture], texts[g.Text(p)] = i, i
	}
	numbers := map[int]int{}
	for i := range pairs {
		r := root(i)
		if _, known := numbers[r]; !known {
			numbers[r] = len(numbers)
		}
		group[i] = numbers[r]
	}
	return group
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
