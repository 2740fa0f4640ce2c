package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint"
	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
)

// What stands before a parameter's name in the state of a run: AdamW's two running
// means, and the running average of the weights. Gradients that are summed over
// chunks are on the engine only.
const (
	firstPrefix    = "first/"
	secondPrefix   = "second/"
	averagePrefix  = "average/"
	gradientPrefix = "gradient/"
)

// frozen tells whether a parameter belongs to a frozen part of the network.
func (c Config) frozen(name string) bool {
	for _, part := range c.Freeze {
		if strings.HasPrefix(name, part+"/") {
			return true
		}
	}
	return false
}

// trained lists the parameters that steps change.
func (c Config) trained() []network.Param {
	var params []network.Param
	for _, p := range c.Network.Params() {
		if !c.frozen(p.Name) {
			params = append(params, p)
		}
	}
	return params
}

// taught lists the trained parameters that the losses reach: a part that none asks
// stays as it is.
func (c Config) taught() []network.Param {
	judges, masks := c.Loss.Judges(), c.Loss.MaskedTokens.Weight > 0
	return slices.DeleteFunc(c.trained(), func(p network.Param) bool {
		switch part, _, _ := strings.Cut(p.Name, "/"); part {
		case "cross":
			return !judges && !masks
		case "match":
			return !judges
		case "mlm":
			return !masks
		}
		return false
	})
}

// variables lists everything a run keeps from step to step: the parameters, and
// for the trained ones the moments and the average.
func (c Config) variables() []checkpoint.Shape {
	var shapes []checkpoint.Shape
	for _, p := range c.Network.Params() {
		shapes = append(shapes, checkpoint.Shape{Name: p.Name, Dims: p.Shape})
	}
	for _, prefix := range c.prefixes() {
		for _, p := range c.trained() {
			shapes = append(shapes, checkpoint.Shape{Name: prefix + p.Name, Dims: p.Shape})
		}
	}
	return shapes
}

// accumulators are where a run in chunks sums its gradients.
func (c Config) accumulators() []checkpoint.Tensor {
	if !c.chunked() {
		return nil
	}
	var tensors []checkpoint.Tensor
	for _, p := range c.trained() {
		tensors = append(tensors, checkpoint.Tensor{Name: gradientPrefix + p.Name, Dims: p.Shape, Values: make([]float32, p.Size())})
	}
	return tensors
}

// chunked tells whether a step is computed in several parts.
func (c Config) chunked() bool { return c.Chunk > 0 && c.Chunk < c.Batch }

// named lists the trained parameters of some parts of the network, as their names
// begin.
func (c Config) named(parts ...string) []string {
	var names []string
	for _, p := range c.taught() {
		if part, _, _ := strings.Cut(p.Name, "/"); slices.Contains(parts, part) {
			names = append(names, p.Name)
		}
	}
	return names
}

func (c Config) prefixes() []string {
	if c.Average == 0 {
		return []string{firstPrefix, secondPrefix}
	}
	return []string{firstPrefix, secondPrefix, averagePrefix}
}

// fresh is the state before the first step: given weights, which must be all and
// only the network's, or initial ones.
func (c Config) fresh(initial map[string][]float32) ([]checkpoint.Tensor, error) {
	if initial == nil {
		initial = network.Initial(c.Network, c.Seed)
	}
	params := c.Network.Params()
	for _, p := range params {
		if have := len(initial[p.Name]); have != p.Size() {
			return nil, fmt.Errorf("initial weight %q: %d values, the network has %d: %w", p.Name, have, p.Size(), loopitr.ErrInvalid)
		}
	}
	if len(initial) != len(params) {
		return nil, fmt.Errorf("initial weights: %d, the network has %d: %w", len(initial), len(params), loopitr.ErrInvalid)
	}
	var tensors []checkpoint.Tensor
	for _, v := range c.variables() {
		t := checkpoint.Tensor{Name: v.Name, Dims: v.Dims}
		name, averaged := strings.CutPrefix(v.Name, averagePrefix)
		switch values := initial[name]; {
		case averaged:
			t.Values = slices.Clone(values)
		case values != nil:
			t.Values = values
		default:
			t.Values = make([]float32, size(v.Dims))
		}
		tensors = append(tensors, t)
	}
	return tensors, nil
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// upload puts the state of a run on the engine.
func upload(e *engine.Engine, tensors []checkpoint.Tensor) (*engine.State, error) {
	variables := make([]engine.Variable, len(tensors))
	for i, t := range tensors {
		variables[i] = engine.Variable{Name: t.Name, Value: engine.Floats(t.Values, t.Dims...)}
	}
	state, err := e.NewState(variables)
	if err != nil {
		return nil, fmt.Errorf("start run: %w", err)
	}
	return state, nil
}

// download copies the named variables of a run to the host.
func download(state *engine.State, shapes []checkpoint.Shape) ([]checkpoint.Tensor, error) {
	names := make([]string, len(shapes))
	for i, s := range shapes {
		names[i] = s.Name
	}
	values, err := state.Read(names...)
	if err != nil {
		return nil, err
	}
	tensors := make([]checkpoint.Tensor, len(shapes))
	for i, s := range shapes {
		tensors[i] = checkpoint.Tensor{Name: s.Name, Dims: s.Dims, Values: values[i].Floats()}
	}
	return tensors, nil
}
