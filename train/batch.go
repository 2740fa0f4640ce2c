package train

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/pixels"
	"github.com/loopitr/loopitr/wordpiece"
)

// batch is one step's input in host memory. B pairs, T tokens a caption.
type batch struct {
	step     int64
	pairs    int
	tokens   int       // T, a bucket
	pictures []float32 // [B, size of a picture]
	ids      []int64   // [B,T]
	mask     []float32 // [B,T], 1 for a token
	picture  []int64   // [B], picture ids
	text     []int64   // [B], caption text ids
	noise    []float32 // [2,B,B], Gumbel numbers for the draw of hard negatives
	key      []int64   // [3], dropout's key
	masked   []int64   // [B,T], ids with some hidden, for masked-language modelling
	places   []int64   // [B,K], the places in its row that masked hides, the rest 0
	hidden   []float32 // [B,K], 1 where there is one
	shown    []int64   // [B,K], ascending: the patches that the vision tower sees; nil is all
}

// streams keep the random numbers of one step apart.
const (
	streamKey uint64 = iota + 1
	streamMask
	streamPatches
	streamWords
)

// draws are the random numbers of one stream of one step: a function of seed,
// stream and step alone, so that a resumed run draws the same.
func draws(seed, stream uint64, step int64) *rand.Rand {
	return rand.New(rand.NewPCG(seed^stream<<56, uint64(step)))
}

// batcher makes batches; each goroutine has its own.
type batcher struct {
	seed      uint64
	sampler   *dataset.Sampler
	pictures  *pictures
	augmenter *pixels.Augmenter // nil where steps take tokens
	tokenizer *wordpiece.Tokenizer
	hide      loss.MaskedTokensConfig // a weight of 0 makes no masked ids
	patches   Patches
	words     Words
	all       int // patches of a whole picture
	scratch   []uint8
}

// make builds the batch of a step: the same bits for the same step, always.
func (b *batcher) make(step int64) (batch, error) {
	pairs := b.sampler.Batch(step)
	n, each := len(pairs), size(b.pictures.shape())
	out := batch{step: step, pairs: n, pictures: make([]float32, n*each), picture: make([]int64, n), text: make([]int64, n)}
	captions := make([]string, n)
	groups := b.sampler.Groups()
	for i, pair := range pairs {
		captions[i] = b.pictures.records[pair.Picture].Captions[pair.Caption]
		out.picture[i], out.text[i] = int64(pair.Picture), int64(groups.Text(pair))
		if err := b.fill(out.pictures[i*each:(i+1)*each], pair, captions[i], step); err != nil {
			return batch{}, fmt.Errorf("step %d: %w", step, err)
		}
	}
	b.tokenize(&out, captions)
	out.shown = b.show(n, step)
	out.noise = make([]float32, 2*n*n)
	loss.Gumbel(b.seed, uint64(step), out.noise)
	key := draws(b.seed, streamKey, step)
	out.key = []int64{key.Int64(), key.Int64(), key.Int64()}
	return out, nil
}

// fill writes one picture as the network takes it, augmented.
func (b *batcher) fill(to []float32, pair dataset.Pair, caption string, step int64) error {
	if b.pictures.seenAsTokens() {
		return b.pictures.tokens(int(pair.Picture), to)
	}
	image, err := b.pictures.image(int(pair.Picture))
	if err != nil {
		return err
	}
	if b.scratch == nil {
		b.scratch = make([]uint8, size(b.pictures.shape()))
	}
	sample := pixels.Sample{Picture: image, Caption: caption, Seed: b.seed, Step: uint64(step), Item: uint64(pair.Picture)}
	if err := b.augmenter.Augment(b.scratch, sample); err != nil {
		return err
	}
	pixels.Normalise(to, b.scratch, b.pictures.config)
	return nil
}

// show draws which patches of each of n pictures a step sees.
func (b *batcher) show(n int, step int64) []int64 {
	count := b.patches.shown(b.all, step)
	if count == 0 {
		return nil
	}
	shown := make([]int64, 0, n*count)
	draw := draws(b.seed, streamPatches, step)
	for range n {
		shown = choose(draw, shown, count, b.all)
	}
	return shown
}

// choose appends count of 0 to n-1 to chosen, ascending, each as likely as any
// (Knuth 3.4.2, algorithm S).
func choose(draw *rand.Rand, chosen []int64, count, n int) []int64 {
	for at := 0; count > 0; at++ {
		if draw.IntN(n-at) < count {
			chosen = append(chosen, int64(at))
			count--
		}
	}
	return chosen
}

// tokenize encodes the captions and hides tokens where asked.
func (b *batcher) tokenize(out *batch, captions []string) {
	encoded := b.tokenizer.EncodeBatch(captions)
	out.tokens = encoded.Length
	out.ids = make([]int64, len(encoded.IDs))
	out.mask = make([]float32, len(encoded.IDs))
	for i, id := range encoded.IDs {
		out.ids[i] = int64(id)
		if encoded.Mask[i] {
			out.mask[i] = 1
		}
	}
	if b.words.Drop > 0 {
		b.leaveOut(out)
	}
	if b.hide.Weight > 0 {
		b.mask(out)
	}
}

// words is how many tokens of caption i stand between [CLS] and [SEP].
func (b *batch) words(i int) int { return int(sum(b.mask[i*b.tokens:(i+1)*b.tokens])) - 2 }

// leaveOut takes tokens out of captions, each with the same chance; one at least
// stays, and what follows closes up.
func (b *batcher) leaveOut(out *batch) {
	pad := int64(b.tokenizer.Vocabulary().Specials().Pad)
	draw := draws(b.seed, streamWords, out.step)
	for i := range out.pairs {
		ids, mask := out.ids[i*out.tokens:(i+1)*out.tokens], out.mask[i*out.tokens:(i+1)*out.tokens]
		words := out.words(i)
		if words < 2 {
			continue
		}
		keep, kept := draw.IntN(words), 0
		for word := range words {
			if draw.Float64() < b.words.Drop && word != keep {
				continue
			}
			ids[1+kept] = ids[1+word]
			kept++
		}
		ids[1+kept] = ids[1+words]
		for at := 2 + kept; at < 2+words; at++ {
			ids[at], mask[at] = pad, 0
		}
	}
}

// mask hides tokens as BERT does: a share of each caption's words, at least one;
// 80 % of them become [MASK], 10 % a random token, 10 % stay (Devlin 2019).
func (b *batcher) mask(out *batch) {
	vocabulary := b.tokenizer.Vocabulary()
	special := vocabulary.Specials()
	n, t, k := out.pairs, out.tokens, b.hide.Most(out.tokens)
	out.masked = slices.Clone(out.ids)
	out.places, out.hidden = make([]int64, n*k), make([]float32, n*k)
	draw := draws(b.seed, streamMask, out.step)
	for i := range n {
		words := out.words(i)
		for j, word := range choose(draw, nil, min(b.hide.Most(words+2), words), max(words, 0)) {
			at := 1 + int(word)
			out.places[i*k+j], out.hidden[i*k+j] = int64(at), 1
			switch how := draw.Float64(); {
			case how < 0.8:
				out.masked[i*t+at] = int64(special.Mask)
			case how < 0.9:
				out.masked[i*t+at] = int64(draw.IntN(vocabulary.Size()))
			}
		}
	}
}
