package train

import (
	"context"
	"errors"

	"github.com/loopitr/loopitr/internal/engine"
)

// accumulated computes a step in chunks, so that a large batch fits a small
// memory, with the gradient of the whole batch's losses all the same (GradCache,
// Gao et al. 2021, here with the cross encoder's judgements cached as well):
//
//  1. encode each chunk of pairs; keep vectors, tokens and states on the host
//  2. draw hard negatives from the whole batch's similarities
//  3. judge the candidates, chunk by chunk
//  4. losses of the whole batch, their gradients for vectors and judgements
//  5. judge each chunk again, backwards, with the gradient that 4 gave it
//  6. encode each chunk again, backwards, with the gradients that 4 and 5 gave it
//  7. update
//
// Steps 1 and 3 are computed twice: about a third more work. Dropout drops the
// same in both, by a key of the chunk, and so differs from an undivided step's.
// The host holds tokens and states of the whole batch and their gradients.
type accumulated struct {
	config Config
	sizes
	chunk int // pairs that are encoded at a time
	judge int // candidates that are judged at a time
	held  int // pictures that those may look at

	programs accumulatedPrograms
}

// accumulatedPrograms are in the order of their use.
type accumulatedPrograms struct {
	encode, draw, judge, losses, judgeBack, encodeBack, update *engine.Program
}

func (c Config) newAccumulated(state *engine.State, s sizes) (_ *accumulated, err error) {
	a := &accumulated{config: c, sizes: s, chunk: min(c.Chunk, s.pairs)}
	for s.pairs%a.chunk != 0 { // a set hardly larger than a batch has odd ones
		a.chunk--
	}
	m := c.Negatives.Count
	a.judge = a.chunk * (1 + 2*m)
	// Candidates are judged in the order of their pictures. Each picture has 1+m or
	// more, all in one chunk but for those of the chunk's first and last.
	a.held = min((a.judge-2)/(1+m)+2, a.judge, s.pairs)
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	for _, p := range a.steps() {
		if *p.to, err = state.Compile(p.step); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *accumulated) close() error {
	var errs []error
	p := &a.programs
	for _, program := range []*engine.Program{p.encode, p.draw, p.judge, p.losses, p.judgeBack, p.encodeBack, p.update} {
		if program != nil {
			errs = append(errs, program.Close())
		}
	}
	return errors.Join(errs...)
}

func (a *accumulated) step(ctx context.Context, b batch, s stepSize) ([]float32, error) {
	h := a.newHost(b)
	passes := []func(context.Context, *host, stepSize) error{
		a.encodePass, a.drawPass, a.judgePass, a.lossesPass, a.judgeBackPass, a.encodeBackPass, a.updatePass,
	}
	if !a.config.Loss.Judges() {
		passes = []func(context.Context, *host, stepSize) error{a.encodePass, a.lossesPass, a.encodeBackPass, a.updatePass}
	}
	for _, pass := range passes {
		if err := pass(ctx, h, s); err != nil {
			return nil, err
		}
	}
	return h.figures[:], nil
}

func (a *accumulated) encodePass(ctx context.Context, h *host, _ stepSize) error {
	for i := range a.pairs / a.chunk {
		out, err := a.programs.encode.Run(ctx, a.chunkOf(h.batch, i)...)
		if err != nil {
			return err
		}
		for at, to := range [][]float32{h.images, h.texts, h.tokens, h.states} {
			part := out[at].Floats()
			copy(to[i*len(part):], part)
		}
	}
	return nil
}

func (a *accumulated) drawPass(ctx context.Context, h *host, s stepSize) error {
	b, n := h.batch, a.pairs
	out, err := a.programs.draw.Run(ctx, append(a.vectors(h),
		engine.Ints(b.picture, n), engine.Ints(b.text, n), engine.Floats(b.noise, 2, n, n), engine.Scalar(s.hardness))...)
	if err != nil {
		return err
	}
	h.order(out[0].Ints(), out[1].Ints())
	h.candidates = out[2:6]
	h.figures[figureSkipped] = out[6].Floats()[0]
	return nil
}

func (a *accumulated) judgePass(ctx context.Context, h *host, _ stepSize) error {
	for j := range len(h.pairs) / a.judge {
		inputs, _ := a.judgeChunk(h, j)
		out, err := a.programs.judge.Run(ctx, inputs...)
		if err != nil {
			return err
		}
		for k, z := range out[0].Floats() {
			h.z[h.pairs[j*a.judge+k].at] = z
		}
	}
	return nil
}

func (a *accumulated) lossesPass(ctx context.Context, h *host, s stepSize) error {
	b, n := h.batch, a.pairs
	inputs := append(a.vectors(h), engine.Ints(b.picture, n), engine.Ints(b.text, n))
	if a.config.Loss.Judges() {
		inputs = append(append(inputs, engine.Floats(h.z, len(h.z)), engine.Scalar(s.distill)), h.candidates...)
	}
	out, err := a.programs.losses.Run(ctx, inputs...)
	if err != nil {
		return err
	}
	copy(h.figures[:], out[0].Floats())
	h.toImages, h.toTexts, h.toTemperature = out[1].Floats(), out[2].Floats(), out[3].Floats()[0]
	if len(out) > 4 {
		h.toZ = out[4].Floats()
	}
	return nil
}

func (a *accumulated) judgeBackPass(ctx context.Context, h *host, _ stepSize) error {
	toZ := make([]float32, a.judge)
	for j := range len(h.pairs) / a.judge {
		inputs, held := a.judgeChunk(h, j)
		chunk := h.pairs[j*a.judge : (j+1)*a.judge]
		for k, pair := range chunk {
			toZ[k] = h.toZ[pair.at]
		}
		out, err := a.programs.judgeBack.Run(ctx, append(inputs, engine.Floats(toZ, a.judge), keep(j > 0))...)
		if err != nil {
			return err
		}
		states, tokens := out[0].Floats(), out[1].Floats()
		for k, pair := range chunk {
			addTo(row(h.toStates, pair.caption, a.pairs), row(states, int64(k), a.judge))
		}
		for k, picture := range held {
			addTo(row(h.toTokens, picture, a.pairs), row(tokens, int64(k), a.held))
		}
	}
	return nil
}

func (a *accumulated) encodeBackPass(ctx context.Context, h *host, _ stepSize) error {
	for i := range a.pairs / a.chunk {
		inputs := a.chunkOf(h.batch, i)
		for at, dims := range a.encodedDims(a.chunk) {
			to := [][]float32{h.toImages, h.toTexts, h.toTokens, h.toStates}[at]
			inputs = append(inputs, engine.Floats(to[i*size(dims):(i+1)*size(dims)], dims...))
		}
		inputs = append(inputs, keep(i > 0))
		if h.batch.masked != nil {
			inputs = append(inputs, a.maskedChunk(h.batch, i)...)
		}
		out, err := a.programs.encodeBack.Run(ctx, inputs...)
		if err != nil {
			return err
		}
		masked := out[0].Floats()[0]
		h.figures[figureMasked] += masked
		h.figures[figureLoss] += masked * float32(a.config.Loss.MaskedTokens.Weight)
	}
	return nil
}

func (a *accumulated) updatePass(ctx context.Context, h *host, s stepSize) error {
	out, err := a.programs.update.Run(ctx, engine.Scalar(s.rate), engine.Scalar(s.correct1), engine.Scalar(s.correct2),
		engine.Scalar(s.average), engine.Scalar(h.toTemperature))
	if err != nil {
		return err
	}
	h.figures[figureTemperature], h.figures[figureNorm] = out[0].Floats()[0], out[0].Floats()[1]
	return nil
}

// keep is 1 where a chunk adds to what the chunks before it left, 0 for the first.
func keep(later bool) engine.Tensor {
	if later {
		return engine.Scalar(1)
	}
	return engine.Scalar(0)
}

// vectors are the whole batch's, for programs.
func (a *accumulated) vectors(h *host) []engine.Tensor {
	e := a.config.Network.Projection
	return []engine.Tensor{engine.Floats(h.images, a.pairs, e), engine.Floats(h.texts, a.pairs, e)}
}

// encodedDims are the shapes of images, texts, tokens and states of some pairs.
func (a *accumulated) encodedDims(pairs int) [4][]int {
	n := a.config.Network
	return [4][]int{
		{pairs, n.Projection}, {pairs, n.Projection},
		{pairs, a.pictureTokens(), n.Vision.Width}, {pairs, a.tokens, n.Text.Width},
	}
}

// pictureTokens is how many tokens the vision tower makes of a picture in a step.
func (a *accumulated) pictureTokens() int {
	if a.shown > 0 {
		return 1 + a.shown
	}
	return a.config.Network.Vision.PictureTokens()
}

// parameters are all of the network's names.
func (c Config) parameters() []string {
	var names []string
	for _, p := range c.Network.Params() {
		names = append(names, p.Name)
	}
	return names
}

// towersAndHeads and judges are the parts of the network that passes 6 and 5
// teach; temperature learns in pass 4.
var (
	towersAndHeads = []string{"vision", "text", "project"}
	judges         = []string{"cross", "match"}
)

// encodeBackParts are the parameters that pass 6 teaches: those that no pass before
// it did, and, for masked tokens, the cross encoder's, which add to pass 5.
func (c Config) encodeBackParts() (fresh, added []string) {
	fresh = append(c.named(towersAndHeads...), c.named("mlm")...)
	switch {
	case c.Loss.MaskedTokens.Weight == 0:
		return fresh, nil
	case !c.Loss.Judges():
		return append(fresh, c.named("cross")...), nil
	}
	return fresh, c.named("cross")
}
