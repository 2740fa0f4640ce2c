package dataset

import "slices"

// plan is an epoch cut into batches.
type plan struct {
	epoch    int64
	batches  [][]Pair
	repeated int
	leftOut  int
}

// longestSearch bounds the work of a plan to this many looks at each pair, even
// where most of them share a text: how many waiting pairs a batch looks through
// (times the batch), how many batches a left-over pair tries, and how many looks
// the repair takes altogether (times the epoch).
const longestSearch = 64

// planner cuts one epoch. A batch's pairs are looked up by their picture and
// text: seen holds the last batch that used each, which is enough while batches
// are filled one after another.
type planner struct {
	groups  *Groups
	size    int
	batches [][]Pair
	picture []int32 // last batch that took the picture, plus one
	text    []int32
	looks   int // left for repair
}

// makePlan cuts order into batches of config.Batch: a pair that is related to
// one of its batch waits for the next batch; those that still wait at the end
// change places with pairs of other batches.
func makePlan(g *Groups, config SamplerConfig, order []Pair) *plan {
	steps := (len(order) + config.Batch - 1) / config.Batch
	p := &planner{groups: g, size: config.Batch, batches: make([][]Pair, steps),
		picture: make([]int32, g.Pictures()), text: make([]int32, g.Texts()), looks: longestSearch * len(order)}
	waiting := p.fill(order)
	rest := p.repair(waiting, newCounter(config.Seed, streamRepair))
	return &plan{batches: p.batches, leftOut: len(rest), repeated: p.topUp(order)}
}

// fits reports whether batch b can take the pair while b is being filled.
func (p *planner) fits(pair Pair, b int) bool {
	return p.picture[pair.Picture] != int32(b+1) && p.text[p.groups.Text(pair)] != int32(b+1)
}

func (p *planner) put(pair Pair, b int) {
	p.picture[pair.Picture], p.text[p.groups.Text(pair)] = int32(b+1), int32(b+1)
	p.batches[b] = append(p.batches[b], pair)
}

// fill deals the order out, those that waited first, and returns who still waits.
func (p *planner) fill(order []Pair) []Pair {
	next := 0
	var waiting []Pair
	for b := range p.batches {
		p.batches[b] = make([]Pair, 0, p.size)
		kept := waiting[:0]
		for i, pair := range waiting {
			if len(p.batches[b]) == p.size || i >= longestSearch*p.size {
				kept = append(kept, waiting[i:]...)
				break
			}
			if p.fits(pair, b) {
				p.put(pair, b)
			} else {
				kept = append(kept, pair)
			}
		}
		waiting = kept
		for ; len(p.batches[b]) < p.size && next < len(order); next++ {
			if p.fits(order[next], b) {
				p.put(order[next], b)
			} else {
				waiting = append(waiting, order[next])
			}
		}
	}
	return waiting
}

// repair finds places for the pairs that waited to the end: free ones, or one in
// an earlier batch whose pair can go to a free one. It returns those without.
func (p *planner) repair(waiting []Pair, random *counter) []Pair {
	var free []int // batches with a place, the last first
	for b := len(p.batches) - 1; b >= 0; b-- {
		if len(p.batches[b]) < p.size {
			free = append(free, b)
		}
	}
	var rest []Pair
	for i, pair := range waiting {
		free = slices.DeleteFunc(free[:min(len(free), longestSearch)], func(b int) bool { return len(p.batches[b]) == p.size })
		if len(free) == 0 || p.looks < 0 {
			return append(rest, waiting[i:]...)
		}
		if !p.place(pair, free, random) {
			rest = append(rest, pair)
		}
	}
	return rest
}

func (p *planner) place(pair Pair, free []int, random *counter) bool {
	for _, b := range free {
		if p.related(pair, b, -1) == 0 {
			p.batches[b] = append(p.batches[b], pair)
			return true
		}
	}
	start := random.below(len(p.batches))
	for tried := range min(len(p.batches), longestSearch) {
		b := (start + tried) % len(p.batches)
		if len(p.batches[b]) == p.size && p.swap(pair, b, free) {
			return true
		}
	}
	return false
}

// swap puts the pair into batch b in place of one that fits a free batch.
func (p *planner) swap(pair Pair, b int, free []int) bool {
	if p.related(pair, b, -1) > 1 {
		return false
	}
	for i, other := range p.batches[b] {
		if p.related(pair, b, i) > 0 {
			continue
		}
		for _, f := range free {
			if p.related(other, f, -1) == 0 {
				p.batches[b][i] = pair
				p.batches[f] = append(p.batches[f], other)
				return true
			}
		}
	}
	return false
}

// related counts the pairs of batch b, but for the one at index except, that
// share a picture or text with pair.
func (p *planner) related(pair Pair, b, except int) int {
	p.looks -= len(p.batches[b])
	n := 0
	for i, other := range p.batches[b] {
		if i != except && p.groups.Related(pair, other) {
			n++
		}
	}
	return n
}

// topUp fills the places left with pairs of the epoch's beginning that fit, and
// returns how many.
func (p *planner) topUp(order []Pair) int {
	repeated, scans := 0, 0
	var varied []Pair
	for b, batch := range p.batches {
		if len(batch) == p.size {
			continue
		}
		if varied == nil {
			varied = p.varied(order)
		}
		repeated += p.extend(b, varied)
		if len(p.batches[b]) < p.size && scans < longestSearch {
			scans++
			repeated += p.extend(b, order)
		}
	}
	return repeated
}

// varied keeps the first pair of each text, at most eight of a picture: enough
// for nearly every batch, and looked through quickly.
func (p *planner) varied(order []Pair) []Pair {
	const ofPicture = 8
	texts, pictures := make([]bool, p.groups.Texts()), make([]uint8, p.groups.Pictures())
	kept := []Pair{}
	for _, pair := range order {
		if text := p.groups.Text(pair); !texts[text] && pictures[pair.Picture] < ofPicture {
			texts[text] = true
			pictures[pair.Picture]++
			kept = append(kept, pair)
		}
	}
	return kept
}

// extend adds pairs to batch b, in order, until it is full, and returns how many.
func (p *planner) extend(b int, order []Pair) int {
	pictures, texts := map[int32]bool{}, map[int]bool{}
	for _, pair := range p.batches[b] {
		pictures[pair.Picture], texts[p.groups.Text(pair)] = true, true
	}
	added := 0
	for _, pair := range order {
		if len(p.batches[b]) == p.size {
			break
		}
		if text := p.groups.Text(pair); !pictures[pair.Picture] && !texts[text] {
			pictures[pair.Picture], texts[text] = true, true
			p.batches[b] = append(p.batches[b], pair)
			added++
		}
	}
	return added
}
