package wordpiece

import (
	"cmp"
	"container/heap"
)

// merger joins pairs of pieces. Counts of pairs are kept up to date as words
// change, so a merge costs what the words that hold its pair cost.
type merger struct {
	tokens []string
	ids    map[string]int32
	words  []spelled
	pairs  map[pair]*occurrences
	queue  pairQueue
}

// spelled is a distinct word as pieces.
type spelled struct {
	pieces []int32
	count  int64
}

type pair struct{ left, right int32 }

// occurrences of a pair: how often, and in which words it ever stood. A word
// that has lost the pair since stays listed, and may be listed twice.
type occurrences struct {
	count int64
	words []int32
}

// newMerger spells the words with the alphabet; words it cannot spell are left
// out, for no piece of them would ever be used.
func newMerger(words []counted, alphabet []character) *merger {
	m := &merger{ids: make(map[string]int32), pairs: make(map[pair]*occurrences)}
	for _, token := range specialTokens {
		m.token(token)
	}
	type forms struct{ first, inner int32 }
	spelling := make(map[rune]forms, len(alphabet))
	for _, c := range alphabet {
		f := forms{first: m.token(string(c.r))}
		if c.inside {
			f.inner = m.token(continuation + string(c.r))
		}
		spelling[c.r] = f
	}
	for _, w := range words {
		s := spelled{count: w.count}
		for at, r := range w.word {
			f, known := spelling[r]
			if !known {
				s.pieces = nil
				break
			}
			if at == 0 {
				s.pieces = append(s.pieces, f.first)
			} else {
				s.pieces = append(s.pieces, f.inner)
			}
		}
		if len(s.pieces) > 1 {
			m.words = append(m.words, s)
		}
	}
	return m
}

// token returns the id of a token, new or not: two different pairs can spell the
// same piece.
func (m *merger) token(text string) int32 {
	if id, found := m.ids[text]; found {
		return id
	}
	id := int32(len(m.tokens))
	m.tokens = append(m.tokens, text)
	m.ids[text] = id
	return id
}

func (m *merger) run(c TrainConfig) {
	for i, w := range m.words {
		for at := 1; at < len(w.pieces); at++ {
			m.count(pair{w.pieces[at-1], w.pieces[at]}, int32(i))
		}
	}
	for p, o := range m.pairs {
		m.queue = append(m.queue, queued{p, o.count})
	}
	heap.Init(&m.queue)
	for len(m.tokens) < c.Size && len(m.queue) > 0 {
		best := heap.Pop(&m.queue).(queued)
		o := m.pairs[best.pair]
		switch {
		case o == nil || o.count < int64(c.MinFrequency):
		case o.count != best.count:
			heap.Push(&m.queue, queued{best.pair, o.count})
		default:
			m.merge(best.pair, o)
		}
	}
}

// count adds one word's occurrence of a pair.
func (m *merger) count(p pair, word int32) {
	o := m.pairs[p]
	if o == nil {
		o = new(occurrences)
		m.pairs[p] = o
	}
	o.count += m.words[word].count
	if n := len(o.words); n == 0 || o.words[n-1] != word {
		o.words = append(o.words, word)
	}
}

func (m *merger) merge(p pair, o *occurrences) {
	joined := m.token(m.tokens[p.left] + m.tokens[p.right][len(continuation):])
	delete(m.pairs, p)
	grown := make(map[pair]bool)
	for _, word := range o.words {
		m.rewrite(word, p, joined, grown)
	}
	for p := range grown {
		if o := m.pairs[p]; o != nil {
			heap.Push(&m.queue, queued{p, o.count})
		}
	}
}

// rewrite joins p wherever it stands in the word, and moves the counts of the
// pairs beside it. grown collects the pairs that gained occurrences.
func (m *merger) rewrite(word int32, p pair, joined int32, grown map[pair]bool) {
	w := &m.words[word]
	pieces := w.pieces
	if !holds(pieces, p) {
		return
	}
	for at := 1; at < len(pieces); at++ {
		if o := m.pairs[pair{pieces[at-1], pieces[at]}]; o != nil {
			o.count -= w.count
		}
	}
	kept := pieces[:0]
	for at := 0; at < len(pieces); at++ {
		if at+1 < len(pieces) && (pair{pieces[at], pieces[at+1]}) == p {
			kept = append(kept, joined)
			at++
			continue
		}
		kept = append(kept, pieces[at])
	}
	w.pieces = kept
	for at := 1; at < len(kept); at++ {
		q := pair{kept[at-1], kept[at]}
		if q.left != joined && q.right != joined {
			m.pairs[q].count += w.count // stood here before: listed already
			continue
		}
		m.count(q, word)
		grown[q] = true
	}
}

func holds(pieces []int32, p pair) bool {
	for at := 1; at < len(pieces); at++ {
		if pieces[at-1] == p.left && pieces[at] == p.right {
			return true
		}
	}
	return false
}

// queued is a pair with the count it had when it was queued: no less than what
// it has now, unless it was queued again since.
type queued struct {
	pair
	count int64
}

// pairQueue is a heap: the most frequent pair first, then the lower ids.
type pairQueue []queued

func (q pairQueue) Len() int { return len(q) }

func (q pairQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.left, b.left), cmp.Compare(a.right, b.right)) < 0
}

func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(queued)) }

func (q *pairQueue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
