package engine

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
)

// Build is a function of graph nodes: it gets one node per input and returns
// one per output. It may panic, as graph operations do; the panic becomes the
// error of Compile.
type Build func(inputs []*graph.Node) []*graph.Node

// Program is one compiled graph. Its runs are serialised; different programs
// run concurrently where the engine allows it.
type Program struct {
	name   string
	engine *Engine
	graph  *graph.Graph
	inputs []Spec // host inputs, after the state's variables
	shapes []shapes.Shape

	// outputs holds, for each value Build returned, which distinct result of the
	// executable it is: one node may be returned under several places.
	outputs []int

	state    *State // nil for a program over host tensors only
	reads    []int  // variables passed, by position in the state
	replaces []int  // variables passed, donated and replaced by the first outputs

	mu sync.Mutex // held while running
}

// Compile builds and compiles a program over host tensors. The error names the
// program; it is Build's panic or the engine's refusal.
func (e *Engine) Compile(name string, inputs []Spec, build Build) (*Program, error) {
	p := &Program{name: name, engine: e, inputs: inputs}
	err := p.compile(nil, func(_, nodes []*graph.Node) []*graph.Node { return build(nodes) })
	if err != nil {
		return nil, err
	}
	return p, e.adopt(p)
}

// compile makes parameters of the state's variables and the inputs, in that
// order, and compiles what build returns.
func (p *Program) compile(variables []Spec, build func(variables, inputs []*graph.Node) []*graph.Node) error {
	return guard("compile "+p.name, func() error {
		g := graph.NewGraph(p.engine.backend, p.name)
		parameters := make([]*graph.Node, 0, len(variables)+len(p.inputs))
		for _, spec := range slices.Concat(variables, p.inputs) {
			for _, d := range spec.Shape {
				if d < 1 {
					return fmt.Errorf("input %q: shape %v has an axis below one: %w", spec.Name, spec.Shape, loopitr.ErrInvalid)
				}
			}
			shape := shapes.Make(spec.Type, spec.Shape...)
			parameters = append(parameters, graph.Parameter(g, spec.Name, shape))
			p.shapes = append(p.shapes, shape)
		}
		results := build(parameters[:len(variables)], parameters[len(variables):])
		if len(results) == 0 {
			return fmt.Errorf("no outputs: %w", loopitr.ErrInvalid)
		}
		nodes := p.distinct(results)
		// ONNX Runtime leaves an output that is an input unwritten.
		for i, n := range nodes {
			if n.Type() == graph.NodeTypeParameter {
				nodes[i] = graph.Identity(n)
			}
		}
		if err := g.Compile(nodes...); err != nil {
			g.Finalize()
			return err
		}
		p.graph = g
		return nil
	})
}

// distinct drops repeated nodes and remembers where each went.
func (p *Program) distinct(results []*graph.Node) []*graph.Node {
	var nodes []*graph.Node
	p.outputs = make([]int, len(results))
	for i, r := range results {
		at := slices.Index(nodes, r)
		if at < 0 {
			at = len(nodes)
			nodes = append(nodes, r)
		}
		p.outputs[i] = at
	}
	return nodes
}

// Name is the name the program was compiled under.
func (p *Program) Name() string { return p.name }

// Nodes is how many nodes the program's graph has, dead ones included.
func (p *Program) Nodes() int { return len(p.graph.Nodes()) }

// Run runs the program once and returns its outputs in fresh host memory. Inputs
// are only read, and not retained. Outcomes: ctx's error if it ended before the
// start, with nothing changed (a started run is not interrupted); an error
// wrapping loopitr.ErrInvalid if inputs have the wrong number, type or shape,
// with nothing changed; the engine's error, after which a state that the program
// replaces is lost.
func (p *Program) Run(ctx context.Context, inputs ...Tensor) ([]Tensor, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.graph == nil {
		return nil, fmt.Errorf("run %s: %w", p.name, errClosed)
	}
	if p.state != nil {
		unlock, err := p.state.lock(len(p.replaces) > 0)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", p.name, err)
		}
		defer unlock()
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("run %s: %w", p.name, err)
	}
	var outputs []Tensor
	err := guard("run "+p.name, func() (err error) {
		outputs, err = p.run(inputs)
		return err
	})
	return outputs, err
}

// run uploads, executes, takes over the replaced variables and downloads the rest.
func (p *Program) run(inputs []Tensor) ([]Tensor, error) {
	if len(inputs) != len(p.inputs) {
		return nil, fmt.Errorf("got %d inputs, want %d: %w", len(inputs), len(p.inputs), loopitr.ErrInvalid)
	}
	variables := len(p.reads) + len(p.replaces)
	buffers := make([]compute.Buffer, 0, variables+len(inputs))
	for _, at := range slices.Concat(p.reads, p.replaces) {
		buffers = append(buffers, p.state.buffers[at])
	}
	defer func() { finalize(buffers[variables:]) }()
	for i, t := range inputs {
		buffer, err := p.engine.upload(t, p.shapes[variables+i])
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", p.inputs[i].Name, err)
		}
		buffers = append(buffers, buffer)
	}
	results, err := p.execute(buffers)
	runtime.KeepAlive(inputs) // see upload
	if err != nil {
		return nil, err
	}
	taken := slices.Clone(results)
	for i, at := range p.replaces {
		p.state.buffers[at], p.state.memory[at] = results[p.outputs[i]], nil
		taken[p.outputs[i]] = nil
	}
	defer finalize(taken)
	return p.fetch(results)
}

// execute runs the executable, donating the replaced variables. From here on a
// failure loses the state that the program replaces.
func (p *Program) execute(buffers []compute.Buffer) ([]compute.Buffer, error) {
	donate := make([]bool, len(buffers))
	for i := range p.replaces {
		donate[len(p.reads)+i] = true
	}
	done := false
	defer func() {
		if !done && len(p.replaces) > 0 {
			p.state.lost = fmt.Errorf("state lost in %s: %w", p.name, loopitr.ErrUnavailable)
		}
	}()
	results, err := p.graph.Executable().Execute(buffers, donate, 0)
	if err != nil {
		return nil, err
	}
	done = true
	return results, nil
}

// fetch downloads the outputs that follow the replaced variables.
func (p *Program) fetch(results []compute.Buffer) ([]Tensor, error) {
	outputs := make([]Tensor, 0, len(p.outputs)-len(p.replaces))
	for _, at := range p.outputs[len(p.replaces):] {
		t, err := download(results[at])
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, t)
	}
	return outputs, nil
}

// finalize frees buffers, each once; nil and repeated ones are passed over.
func finalize(buffers []compute.Buffer) {
	for i, b := range buffers {
		if b != nil && !slices.Contains(buffers[:i], b) {
			_ = b.Finalize() // nothing can be done about a buffer that cannot be freed
		}
	}
}

// Close waits for a running Run and frees the program.
func (p *Program) Close() error {
	p.engine.mu.Lock()
	delete(p.engine.programs, p)
	p.engine.mu.Unlock()
	return p.free()
}

func (p *Program) free() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return guard("close "+p.name, func() error {
		p.graph.Finalize()
		p.graph = nil
		return nil
	})
}

// adopt makes the engine the owner of a new program.
func (e *Engine) adopt(p *Program) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return fmt.Errorf("compile %s: %w", p.name, errClosed)
	}
	e.programs[p] = true
	return nil
}
