package train

import (
	"fmt"
	"math/rand/v2"

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
	hidden   []float32 // [B,T], 1 where masked hides ids
	shown    []int64   // [B,K], ascending: the patches that the vision tower sees; nil is all
}

// streams keep the random numbers of one step apart.
const (
	streamKey uint64 = iota + 1
	streamMask
	streamPatches
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
	hide      float64 // share of tokens to hide; 0 makes no masked ids
	patches   Patches
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
		// Selection sampling (Knuth 3.4.2, algorithm S): ascending and even.
		for at, left := 0, count; left > 0; at++ {
			if draw.IntN(b.all-at) < left {
				shown = append(shown, int64(at))
				left--
			}
		}
	}
	return shown
}

// tokenize encodes the captions and, where asked, hides tokens as BERT does: of
// those chosen 80 % become [MASK], 10 % a random token, 10 % stay (Devlin 2019).
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
	if b.hide == 0 {
		return
	}
	vocabulary := b.tokenizer.Vocabulary()
	special := vocabulary.Specials()
	out.masked = append([]int64(nil), out.ids...)
	out.hidden = make([]float32, len(out.ids))
	draw := draws(b.seed, streamMask, out.step)
	for i, id := range encoded.IDs {
		chosen, how := draw.Float64() < b.hide, draw.Float64()
		other := int64(draw.IntN(vocabulary.Size()))
		if !chosen || !encoded.Mask[i] || id == special.Class || id == special.Separator {
			continue
		}
		out.hidden[i] = 1
		switch {
		case how < 0.8:
			out.masked[i] = int64(special.Mask)
		case how < 0.9:
			out.masked[i] = other
		}
	}
}
