package cpu

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"
)

// Builder records one graph. One goroutine at a time.
type Builder struct {
	notimplemented.Builder

	backend  *Backend
	name     string
	main     *Function
	compiled bool
}

var _ compute.Builder = (*Builder)(nil)

var errCompiled = errors.New("cpu: graph is already compiled")

// Name returns the graph's name.
func (b *Builder) Name() string { return b.name }

// Main returns the function that Compile compiles.
func (b *Builder) Main() compute.Function { return b.main }

// NewFunction starts a function that others may call.
func (b *Builder) NewFunction(name string) (compute.Function, error) {
	switch {
	case b.compiled:
		return nil, errCompiled
	case name == "" || name == compute.MainName:
		return nil, fmt.Errorf("cpu: new function %q: reserved name", name)
	}
	return b.newFunction(name, nil), nil
}

func (b *Builder) newFunction(name string, parent *Function) *Function {
	return &Function{
		Function: notimplemented.Function{ErrFn: notImplemented},
		builder:  b,
		name:     name,
		parent:   parent,
	}
}

// OpShape returns the shape of a value.
func (b *Builder) OpShape(v compute.Value) (shapes.Shape, error) {
	n, ok := v.(*node)
	if !ok || n == nil {
		return shapes.Invalid(), fmt.Errorf("cpu: shape of a %T: not a value of this backend", v)
	}
	return n.shape, nil
}

// Compile turns the main function, which must have returned, into an executable.
func (b *Builder) Compile() (compute.Executable, error) {
	switch {
	case b.compiled:
		return nil, errCompiled
	case b.backend.IsFinalized():
		return nil, errFinalized
	case !b.main.returned:
		return nil, fmt.Errorf("cpu: compile %q: main function has not returned", b.name)
	}
	b.compiled = true
	p, err := compileFunction(b.main)
	if err != nil {
		return nil, fmt.Errorf("cpu: compile %q: %w", b.name, err)
	}
	return &Executable{backend: b.backend, name: b.name, program: p}, nil
}
