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

// planner cuts one epoch.
type planner struct {
	groups  *Groups
	size    int
	batches [][]Pair
	taken   *taken
	looks   int // left for repair
}

// taken finds quickly whether a pair is related to one of a batch. It holds, for
// each picture and text, the mark of the last batch that used it.
type taken struct {
	groups  *Groups
	mark    int32   // of the present batch, from 1
	picture []int32 // in the batch
	text    []int32 // the caption of a pair of the batch
	carried []int32 // a caption of a picture of the batch
}

func newTaken(g *Groups) *taken {
	return &taken{g, 1, make([]int32, g.Pictures()), make([]int32, g.Texts()), make([]int32, g.Texts())}
}

// begin starts a batch with these pairs.
func (t *taken) begin(pairs []Pair) {
	t.mark++
	for _, pair := range pairs {
		t.put(pair)
	}
}

func (t *taken) fits(pair Pair) bool {
	if t.picture[pair.Picture] == t.mark || t.carried[t.groups.Text(pair)] == t.mark {
		return false
	}
	return !slices.ContainsFunc(t.groups.textsOf(pair.Picture), func(text int32) bool { return t.text[text] == t.mark })
}

func (t *taken) put(pair Pair) {
	t.picture[pair.Picture], t.text[t.groups.Text(pair)] = t.mark, t.mark
	for _, text := range t.groups.textsOf(pair.Picture) {
		t.carried[text] = t.mark
	}
}

// makePlan cuts order into batches of config.Batch: a pair that is related to
// one of its batch waits for the next batch; those that still wait at the end
// change places with pairs of other batches.
func makePlan(g *Groups, config SamplerConfig, order []Pair) *plan {
	steps := (len(order) + config.Batch - 1) / config.Batch
	p := &planner{groups: g, size: config.Batch, batches: make([][]Pair, steps),
		taken: newTaken(g), looks: longestSearch * len(order)}
	waiting := p.fill(order)
	rest := p.repair(waiting, newCounter(config.Seed, streamRepair))
	return &plan{batches: p.batches, leftOut: len(rest), repeated: p.topUp(order)}
}

func (p *planner) put(pair Pair, b int) {
	p.taken.put(pair)
	p.batches[b] = append(p.batches[b], pair)
}

// fill deals the order out, those that waited first, and returns who still waits.
func (p *planner) fill(order []Pair) []Pair {
	next := 0
	var waiting []Pair
	for b := range p.batches {
		p.batches[b] = make([]Pair, 0, p.size)
		p.taken.begin(nil)
		kept := waiting[:0]
		for i, pair := range waiting {
			if len(p.batches[b]) == p.size || i >= longestSearch*p.size {
				kept = append(kept, waiting[i:]...)
				break
			}
			if p.taken.fits(pair) {
				p.put(pair, b)
			} else {
				kept = append(kept, pair)
			}
		}
		waiting = kept
		for ; len(p.batches[b]) < p.size && next < len(order); next++ {
			if p.taken.fits(order[next]) {
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
// are related to pair.
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
	p.taken.begin(p.batches[b])
	added := 0
	for _, pair := range order {
		if len(p.batches[b]) == p.size {
			break
		}
		if p.taken.fits(pair) {
			p.put(pair, b)
			added++
		}
	}
	return added
}
