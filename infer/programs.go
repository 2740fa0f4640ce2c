package infer

import (
	"errors"
	"sync"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr/internal/engine"
	"github.com/loopitr/loopitr/network"
)

// shape names one compiled graph: what it computes and its sizes.
type shape struct {
	kind         string // "images", "texts" or "match"
	rows, tokens int
	// texts and images are how many states a match takes for its rows' captions
	// and pictures; 0: one for each row, in order.
	texts, images int
}

// programs keeps one compiled graph per shape.
type programs struct {
	mu  sync.Mutex
	all map[shape]*engine.Program
}

// forward makes outputs of inputs with the network.
type forward func(n network.LoopITR, inputs []*graph.Node) []*graph.Node

// program returns the graph of a shape, compiled at its first use.
func (m *Model) program(s shape, inputs []engine.Spec, build forward) (*engine.Program, error) {
	m.programs.mu.Lock()
	defer m.programs.mu.Unlock()
	if p := m.programs.all[s]; p != nil {
		return p, nil
	}
	p, err := m.weights.Compile(engine.Step{
		Name:   s.kind,
		Reads:  m.variables,
		Inputs: inputs,
		Build: func(held map[string]*graph.Node, nodes []*graph.Node) (map[string]*graph.Node, []*graph.Node) {
			weights := network.Weights{}
			for i, name := range m.names {
				weights[name] = held[m.variables[i]]
			}
			return nil, build(network.LoopITR{Config: m.config.Network, Weights: weights, Fold: true}, nodes)
		},
	})
	if err != nil {
		return nil, err
	}
	if m.programs.all == nil {
		m.programs.all = map[shape]*engine.Program{}
	}
	m.programs.all[s] = p
	return p, nil
}

func (p *programs) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, program := range p.all {
		errs = append(errs, program.Close())
	}
	p.all = nil
	return errors.Join(errs...)
}

// batchSizes are the row counts that graphs are compiled for: one for a query,
// a few for a shortlist, and enough to keep an engine busy when many wait.
var batchSizes = [...]int{1, 4, 16, 64}

// batchRows is the smallest compiled size that holds n rows, the largest if none does.
func batchRows(n int) int {
	for _, size := range batchSizes {
		if n <= size {
			return size
		}
	}
	return batchSizes[len(batchSizes)-1]
}
