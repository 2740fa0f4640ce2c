package train

import (
	"cmp"
	"slices"

	"github.com/loopitr/loopitr/internal/engine"
)

// host is what passes hand to each other in host memory, for one batch.
type host struct {
	batch                         batch
	images, texts, tokens, states []float32 // of the whole batch
	z                             []float32 // of the candidates, in the order that losses knows
	pairs                         []pair    // the candidates in the order of their pictures
	candidates                    []engine.Tensor
	// The total's gradients for all of these.
	toImages, toTexts, toTokens, toStates, toZ []float32

	toTemperature float32
	figures       [figureCount]float32
}

// pair is a candidate: its place among all, and the rows of the batch that its
// caption and its picture are.
type pair struct {
	at               int
	caption, picture int64
}

func (a *accumulated) newHost(b batch) *host {
	dims := a.encodedDims(a.pairs)
	h := &host{batch: b, z: make([]float32, a.pairs*(1+2*a.config.Negatives.Count))}
	for at, to := range []*[]float32{&h.images, &h.texts, &h.tokens, &h.states} {
		*to = make([]float32, size(dims[at]))
	}
	h.toTokens, h.toStates = make([]float32, len(h.tokens)), make([]float32, len(h.states))
	return h
}

// order sorts the candidates by picture.
func (h *host) order(captions, pictures []int64) {
	h.pairs = make([]pair, len(captions))
	for i := range h.pairs {
		h.pairs[i] = pair{i, captions[i], pictures[i]}
	}
	slices.SortStableFunc(h.pairs, func(x, y pair) int { return cmp.Compare(x.picture, y.picture) })
}

// row is one of the equal parts of values.
func row(values []float32, i int64, count int) []float32 {
	each := len(values) / count
	return values[int(i)*each : (int(i)+1)*each]
}

func addTo(sum, x []float32) {
	for i, v := range x {
		sum[i] += v
	}
}

// chunkOf is the i-th chunk of a batch's pairs, as encode's inputs.
func (a *accumulated) chunkOf(b batch, i int) []engine.Tensor {
	n, t := a.chunk, a.tokens
	each := size(a.picture)
	inputs := []engine.Tensor{
		engine.Floats(b.pictures[i*n*each:(i+1)*n*each], append([]int{n}, a.picture...)...),
		engine.Ints(b.ids[i*n*t:(i+1)*n*t], n, t), engine.Floats(b.mask[i*n*t:(i+1)*n*t], n, t),
		chunkKey(b, keyEncode, i),
	}
	if k := a.shown; k > 0 {
		inputs = append(inputs, engine.Ints(b.shown[i*n*k:(i+1)*n*k], n, k))
	}
	return inputs
}

// maskedChunk is what pass 6 needs for masked tokens: the chunk's ids, what is
// hidden, and the chunk's share of all that is hidden.
func (a *accumulated) maskedChunk(b batch, i int) []engine.Tensor {
	n, t, k := a.chunk, a.tokens, len(b.places)/a.pairs
	hidden := b.hidden[i*n*k : (i+1)*n*k]
	share := sum(hidden) / max(sum(b.hidden), 1)
	return []engine.Tensor{
		engine.Ints(b.masked[i*n*t:(i+1)*n*t], n, t), engine.Ints(b.places[i*n*k:(i+1)*n*k], n, k),
		engine.Floats(hidden, n, k), engine.Scalar(share),
	}
}

func sum(values []float32) (s float32) {
	for _, v := range values {
		s += v
	}
	return s
}

// Keys of different kinds of chunks differ.
const (
	keyEncode = iota + 1
	keyJudge
)

// chunkKey is dropout's key for a chunk, the same forwards and backwards.
func chunkKey(b batch, kind, chunk int) engine.Tensor {
	const positive = 1<<63 - 1
	mixed := (b.key[2] + int64(kind)<<32 + int64(chunk)) & positive
	return engine.Ints([]int64{b.key[0], b.key[1], mixed}, 3)
}

// judgeChunk gathers the j-th chunk of the candidates, and says which pictures'
// tokens it holds.
func (a *accumulated) judgeChunk(h *host, j int) (inputs []engine.Tensor, held []int64) {
	t, dims := a.tokens, a.encodedDims(a.judge)
	states, mask := make([]float32, size(dims[3])), make([]float32, a.judge*t)
	dims[2][0] = a.held
	tokens, picture := make([]float32, size(dims[2])), make([]int64, a.judge)
	for k, pair := range h.pairs[j*a.judge : (j+1)*a.judge] {
		copy(row(states, int64(k), a.judge), row(h.states, pair.caption, a.pairs))
		copy(mask[k*t:(k+1)*t], h.batch.mask[int(pair.caption)*t:])
		if len(held) == 0 || held[len(held)-1] != pair.picture {
			copy(row(tokens, int64(len(held)), a.held), row(h.tokens, pair.picture, a.pairs))
			held = append(held, pair.picture)
		}
		picture[k] = int64(len(held) - 1)
	}
	return []engine.Tensor{
		engine.Floats(states, dims[3]...), engine.Floats(mask, a.judge, t), engine.Floats(tokens, dims[2]...),
		engine.Ints(picture, a.judge), chunkKey(h.batch, keyJudge, j),
	}, held
}
