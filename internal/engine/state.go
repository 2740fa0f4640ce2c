package engine

import (
	"fmt"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
)

// Variable is a named tensor, to be kept on the device.
type Variable struct {
	Name  string
	Value Tensor
}

// State is a set of named variables that stay on the device between runs.
// Programs compiled with State.Compile read them in place, or replace them: a
// replaced variable's memory is given to the run, which may reuse it for the
// new value, and nothing is copied to the host. It may be used concurrently;
// runs that only read share it, runs that replace have it alone.
type State struct {
	engine *Engine
	specs  []Spec
	at     map[string]int // name -> position

	mu      sync.RWMutex
	buffers []compute.Buffer
	memory  []any // host memory that a buffer reads in place; see store
	closed  bool
	lost    error // set when a run that replaces failed half-way
}

// NewState copies variables to the device. Names must differ. Who makes a state
// frees it with Close, or the engine does when it closes.
func (e *Engine) NewState(variables []Variable) (*State, error) {
	s := &State{engine: e, at: make(map[string]int, len(variables))}
	err := guard("new state", func() error {
		for _, v := range variables {
			if _, twice := s.at[v.Name]; twice {
				return fmt.Errorf("variable %q twice: %w", v.Name, loopitr.ErrInvalid)
			}
			shape, err := v.Value.shape()
			if err != nil {
				return fmt.Errorf("variable %q: %w", v.Name, err)
			}
			buffer, memory, err := e.store(v.Value, shape)
			if err != nil {
				return fmt.Errorf("variable %q: %w", v.Name, err)
			}
			s.at[v.Name] = len(s.buffers)
			s.specs = append(s.specs, Spec{Name: v.Name, Type: shape.DType, Shape: slices.Clone(v.Value.Shape)})
			s.buffers, s.memory = append(s.buffers, buffer), append(s.memory, memory)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.closed {
			return errClosed
		}
		e.states[s] = true
		return nil
	})
	if err != nil {
		finalize(s.buffers)
		return nil, err
	}
	return s, nil
}

// Specs lists the variables in the order they were given.
func (s *State) Specs() []Spec { return slices.Clone(s.specs) }

// Step is a program over a state.
type Step struct {
	Name string
	// Reads are variables passed unchanged, Replaces those that get new values.
	Reads, Replaces []string
	// Inputs are host tensors given to each run.
	Inputs []Spec
	// Build gets the nodes of all variables in Reads and Replaces by name and
	// the inputs in order. It returns a new value, of the same type and shape,
	// for each variable in Replaces, and the outputs that Run returns.
	Build func(variables map[string]*graph.Node, inputs []*graph.Node) (replaced map[string]*graph.Node, outputs []*graph.Node)
}

// Compile builds and compiles a step over the state. An unknown or repeated
// variable, or a new value that is missing or has another shape, wraps
// loopitr.ErrInvalid.
func (s *State) Compile(step Step) (*Program, error) {
	p := &Program{name: step.Name, engine: s.engine, inputs: step.Inputs, state: s}
	var variables []Spec
	seen := map[string]bool{}
	for i, name := range slices.Concat(step.Reads, step.Replaces) {
		at, known := s.at[name]
		if !known || seen[name] {
			return nil, fmt.Errorf("compile %s: variable %q is unknown or named twice: %w", step.Name, name, loopitr.ErrInvalid)
		}
		seen[name] = true
		variables = append(variables, s.specs[at])
		if i < len(step.Reads) {
			p.reads = append(p.reads, at)
		} else {
			p.replaces = append(p.replaces, at)
		}
	}
	err := p.compile(variables, func(nodes, inputs []*graph.Node) []*graph.Node {
		named := make(map[string]*graph.Node, len(nodes))
		for i, n := range nodes {
			named[variables[i].Name] = n
		}
		replaced, outputs := step.Build(named, inputs)
		return append(ordered(step.Replaces, named, replaced), outputs...)
	})
	if err != nil {
		return nil, err
	}
	return p, s.engine.adopt(p)
}

// ordered lists the new values in the order of names and panics, inside the
// guard of compile, where one does not fit.
func ordered(names []string, old, replaced map[string]*graph.Node) []*graph.Node {
	if len(replaced) != len(names) {
		panic(fmt.Errorf("%d new values for %d replaced variables: %w", len(replaced), len(names), loopitr.ErrInvalid))
	}
	var nodes []*graph.Node
	for _, name := range names {
		n := replaced[name]
		switch {
		case n == nil:
			panic(fmt.Errorf("variable %q has no new value: %w", name, loopitr.ErrInvalid))
		case !n.Shape().Equal(old[name].Shape()):
			panic(fmt.Errorf("variable %q: new value is %s, want %s: %w", name, n.Shape(), old[name].Shape(), loopitr.ErrInvalid))
		case slices.Contains(nodes, n) || n.Type() == graph.NodeTypeParameter:
			// Two variables may not share one buffer, and a donated buffer may not
			// be its own replacement.
			panic(fmt.Errorf("variable %q: its new value is another's or unchanged; leave it out of Replaces: %w", name, loopitr.ErrInvalid))
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// Read copies the named variables to the host, all of them if none is named. It
// waits for a run that replaces.
func (s *State) Read(names ...string) ([]Tensor, error) {
	unlock, err := s.lock(false)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	defer unlock()
	var tensors []Tensor
	err = guard("read state", func() error {
		if len(names) == 0 {
			for _, spec := range s.specs {
				names = append(names, spec.Name)
			}
		}
		for _, name := range names {
			at, known := s.at[name]
			if !known {
				return fmt.Errorf("variable %q: %w", name, loopitr.ErrNotFound)
			}
			t, err := download(s.buffers[at])
			if err != nil {
				return fmt.Errorf("variable %q: %w", name, err)
			}
			tensors = append(tensors, t)
		}
		return nil
	})
	return tensors, err
}

// Write gives one variable a new value of the same type and shape.
func (s *State) Write(name string, value Tensor) error {
	unlock, err := s.lock(true)
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	defer unlock()
	return guard("write state", func() error {
		at, known := s.at[name]
		if !known {
			return fmt.Errorf("variable %q: %w", name, loopitr.ErrNotFound)
		}
		buffer, memory, err := s.engine.store(value, s.specs[at].shape())
		if err != nil {
			return fmt.Errorf("variable %q: %w", name, err)
		}
		finalize(s.buffers[at : at+1])
		s.buffers[at], s.memory[at] = buffer, memory
		return nil
	})
}

// lock takes the state for reading, or alone, unless it is closed or lost.
func (s *State) lock(alone bool) (unlock func(), err error) {
	lock, unlock := s.mu.RLock, s.mu.RUnlock
	if alone {
		lock, unlock = s.mu.Lock, s.mu.Unlock
	}
	lock()
	switch {
	case s.lost != nil:
		err = s.lost
	case s.closed:
		err = errClosed
	default:
		return unlock, nil
	}
	unlock()
	return nil, err
}

// Close frees the variables. Programs over the state fail afterwards.
func (s *State) Close() error {
	s.engine.mu.Lock()
	delete(s.engine.states, s)
	s.engine.mu.Unlock()
	return s.free()
}

func (s *State) free() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return guard("close state", func() error {
		if s.lost == nil {
			finalize(s.buffers)
		}
		s.buffers, s.memory, s.closed = nil, nil, true
		return nil
	})
}

func (s Spec) shape() shapes.Shape { return shapes.Make(s.Type, s.Shape...) }
