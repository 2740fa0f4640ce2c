package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/loss"
	"github.com/loopitr/loopitr/network"
)

// Drill takes the steps of a recipe on one batch of noise: what steps cost, in
// time and memory, without data, validation and files. It learns nothing of use.
type Drill struct {
	config  Config
	state   *engine.State
	stepper stepper
	batch   batch
	taken   int64
}

// NewDrill compiles the step of c, whose batch is noise with captions of tokens
// tokens each, no two of one group. The error is c.Validate's or the engine's.
func NewDrill(e *engine.Engine, c Config, tokens int) (*Drill, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	tensors, err := c.fresh(nil)
	if err != nil {
		return nil, err
	}
	d := &Drill{config: c, batch: c.noise(tokens)}
	if d.state, err = upload(e, append(tensors, c.accumulators()...)); err != nil {
		return nil, err
	}
	d.stepper, err = c.newStepper(d.state, sizes{
		pairs: c.Batch, tokens: tokens, shown: len(d.batch.shown) / c.Batch, picture: c.pictureShape(),
	})
	if err != nil {
		return nil, errors.Join(err, d.state.Close())
	}
	return d, nil
}

// pictureShape is what a step takes for one picture.
func (c Config) pictureShape() []int {
	switch v := c.Network.Vision; {
	case c.cached():
		return []int{v.PictureTokens(), v.Width}
	case v.Input == network.Tokens:
		return []int{v.Tokens, v.Features}
	default:
		return []int{v.ImageSize, v.ImageSize, 3}
	}
}

// noise is a batch that no data made.
func (c Config) noise(tokens int) batch {
	r := draws(c.Seed, streamKey, 0)
	n := c.Batch
	b := batch{
		pairs: n, tokens: tokens, pictures: make([]float32, n*size(c.pictureShape())),
		ids: make([]int64, n*tokens), mask: make([]float32, n*tokens),
		picture: make([]int64, n), text: make([]int64, n),
		noise: make([]float32, 2*n*n), key: []int64{1, 2, 3},
	}
	for i := range b.pictures {
		b.pictures[i] = r.Float32()*4 - 2
	}
	for i := range b.ids {
		b.ids[i], b.mask[i] = r.Int64N(int64(c.Network.Text.Vocabulary)), 1
	}
	for i := range n {
		b.picture[i], b.text[i] = int64(i), int64(i)
	}
	loss.Gumbel(c.Seed, 0, b.noise)
	if c.Loss.MaskedTokens.Weight > 0 {
		b.masked = b.ids
		for range n {
			for place := range c.Loss.MaskedTokens.Most(tokens) {
				b.places, b.hidden = append(b.places, int64(place)), append(b.hidden, 1)
			}
		}
	}
	all := c.Network.Vision.PictureTokens() - 1
	if count := c.Patches.shown(all, 0); count > 0 {
		for range n {
			b.shown = choose(r, b.shown, count, all)
		}
	}
	return b
}

// Step takes one step and returns its loss; it is as Run's, and stops as Run does
// where a loss is not finite.
func (d *Drill) Step(ctx context.Context) (loss float32, err error) {
	figures, err := d.stepper.step(ctx, d.batch, d.config.stepSize(d.taken, 0, 0))
	if err == nil {
		err = finite(d.taken, figures)
	}
	if err != nil {
		return 0, fmt.Errorf("drill: %w", err)
	}
	d.taken++
	return figures[figureLoss], nil
}

// Close frees the step and its state.
func (d *Drill) Close() error { return errors.Join(d.stepper.close(), d.state.Close()) }
