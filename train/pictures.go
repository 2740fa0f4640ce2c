package train

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/network"
	"github.com/loopitr/loopitr/pixels"
)

// pictures are the records of a set whose pictures can be used, decoded once as
// long as they fit in memory. They may be used concurrently.
type pictures struct {
	records []dataset.Record
	set     *dataset.Set
	rows    []int // of each record in the set
	config  pixels.Config
	input   network.Input
	cache   *cache // nil unless the vision tower is frozen

	decoded sync.Map // int record -> pixels.Image
	budget  atomic.Int64
}

// decodedBytes bounds what decoded pictures may take: all of Flickr8k at 128 px,
// a sixth of Flickr30k at 256 px. The rest is decoded at every visit.
const decodedBytes = 1 << 30

// openPictures decodes everything once, ahead of the run, so that a damaged
// picture is known before hours were spent; report hears of each that is left out.
func openPictures(ctx context.Context, set *dataset.Set, c Config, report func(id string, err error)) (*pictures, error) {
	p := &pictures{records: set.Records, set: set, config: c.Pixels, input: c.Network.Vision.Input}
	p.budget.Store(decodedBytes)
	p.rows = make([]int, len(set.Records))
	for i := range p.rows {
		p.rows[i] = i
	}
	if p.input == network.Tokens {
		return p, p.checkTokens(c.Network.Vision)
	}
	failed := make([]error, len(p.rows))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(decoders)
	for i := range p.rows {
		group.Go(func() error {
			_, failed[i] = p.image(i)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return p, p.keepGood(failed, report)
}

// decoders is how many pictures are decoded at a time.
const decoders = 4

func (p *pictures) checkTokens(v network.VisionConfig) error {
	count, width := p.set.TokenShape()
	if count != v.Tokens || width != v.Features {
		return fmt.Errorf("token file: %d tokens of %d features, the network takes %d of %d: %w",
			count, width, v.Tokens, v.Features, loopitr.ErrInvalid)
	}
	return nil
}

// keepGood closes the gaps that unusable pictures leave.
func (p *pictures) keepGood(failed []error, report func(id string, err error)) error {
	var good []int
	for i, err := range failed {
		if err != nil {
			report(p.records[i].ID, err)
			continue
		}
		good = append(good, i)
	}
	if len(good) == 0 {
		return fmt.Errorf("pictures: none of %d can be used, the first because: %w", len(failed), failed[0])
	}
	p.keep(good)
	return nil
}

// thin keeps at most so many, evenly spaced: the first ones may be of one kind.
func (p *pictures) thin(most int) {
	if most <= 0 || most >= len(p.rows) {
		return
	}
	spaced := make([]int, most)
	for i := range spaced {
		spaced[i] = i * len(p.rows) / most
	}
	p.keep(spaced)
}

// keep drops all records but those at the given positions.
func (p *pictures) keep(positions []int) {
	records, rows, decoded := make([]dataset.Record, len(positions)), make([]int, len(positions)), map[int]any{}
	for to, from := range positions {
		records[to], rows[to] = p.records[from], p.rows[from]
		if image, ok := p.decoded.Load(from); ok {
			decoded[to] = image
		}
	}
	p.records, p.rows = records, rows
	p.decoded.Clear()
	for i, image := range decoded {
		p.decoded.Store(i, image)
	}
}

// shape is what one picture is to a step.
func (p *pictures) shape() []int {
	if p.cache != nil {
		return p.cache.dims
	}
	if p.input == network.Tokens {
		count, width := p.set.TokenShape()
		return []int{count, width}
	}
	return []int{p.config.Size, p.config.Size, 3}
}

// tokens writes the tokens of a record: the frozen tower's, or those that come
// instead of pictures.
func (p *pictures) tokens(record int, to []float32) error {
	if p.cache != nil {
		return p.cache.tokens(record, to)
	}
	return p.set.Tokens(p.rows[record], to)
}

// seenAsTokens tells whether steps take tokens.
func (p *pictures) seenAsTokens() bool { return p.cache != nil || p.input == network.Tokens }

// close frees the tokens; the set stays open.
func (p *pictures) close() error {
	if p == nil || p.cache == nil {
		return nil
	}
	return p.cache.close()
}

// image returns a decoded picture; it must not be changed.
func (p *pictures) image(record int) (pixels.Image, error) {
	if image, ok := p.decoded.Load(record); ok {
		return image.(pixels.Image), nil
	}
	encoded, err := p.set.Picture(p.rows[record])
	if err != nil {
		return pixels.Image{}, err
	}
	image, _, err := pixels.Decode(encoded, p.config.MaxPixels)
	if err != nil {
		return pixels.Image{}, fmt.Errorf("picture %q: %w", p.records[record].ID, err)
	}
	if size := int64(len(image.RGB)); p.budget.Add(-size) >= 0 {
		p.decoded.Store(record, image)
	} else {
		p.budget.Add(size)
	}
	return image, nil
}

// prepared is a record's picture as validation shows it, without augmentation.
func (p *pictures) prepared(record int) (loopitr.Picture, error) {
	if p.seenAsTokens() {
		shape := p.shape()
		states := loopitr.States{Count: shape[0], Width: shape[1], Values: make([]float32, size(shape))}
		return loopitr.Picture{Tokens: states}, p.tokens(record, states.Values)
	}
	image, err := p.image(record)
	if err != nil {
		return loopitr.Picture{}, err
	}
	square, err := pixels.Square(image, p.config)
	return loopitr.Picture{Pixels: square.RGB}, err
}
