package train

import (
	"context"

	"github.com/loopitr/loopitr/internal/engine"
)

// sizes are what a step is compiled for.
type sizes struct {
	pairs, tokens int   // B, T
	shown         int   // patches of each picture; 0 is all
	picture       []int // shape of one picture
}

// newStepper compiles the step over a run's state: whole, or in chunks.
func (c Config) newStepper(state *engine.State, s sizes) (stepper, error) {
	if c.chunked() {
		return c.newAccumulated(state, s)
	}
	program, err := state.Compile(engine.Step{
		Name: "step", Reads: c.kept(), Replaces: c.replaced(),
		Inputs: c.specs(s), Build: c.build,
	})
	if err != nil {
		return nil, err
	}
	return &fused{config: c, program: program, picture: s.picture}, nil
}

// kept are the parameters that steps only read.
func (c Config) kept() []string {
	taught := map[string]bool{}
	for _, p := range c.taught() {
		taught[p.Name] = true
	}
	var names []string
	for _, p := range c.Network.Params() {
		if !taught[p.Name] {
			names = append(names, p.Name)
		}
	}
	return names
}

// replaced are the variables that an update replaces.
func (c Config) replaced() []string {
	var names []string
	for _, prefix := range append([]string{""}, c.prefixes()...) {
		for _, p := range c.taught() {
			names = append(names, prefix+p.Name)
		}
	}
	return names
}

// fused computes a whole step in one program.
type fused struct {
	config  Config
	program *engine.Program
	picture []int
}

func (f *fused) step(ctx context.Context, b batch, s stepSize) ([]float32, error) {
	out, err := f.program.Run(ctx, f.config.tensors(b, f.picture, s)...)
	if err != nil {
		return nil, err
	}
	return out[0].Floats(), nil
}

func (f *fused) close() error { return f.program.Close() }
