package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute"

	"github.com/loopitr/loopitr"
)

// constructor opens one kind of engine with the options that followed the colon
// in its name.
type constructor struct {
	name string
	open func(options string) (compute.Backend, error) // nil: not in this binary
	// aliases: the backend reads host slices in place, without keeping them alive.
	aliases bool
}

// constructors lists every engine there is, the preferred one first. An engine
// behind a build tag has no open function in a binary built without it.
var constructors = []constructor{
	{name: "cpu", open: openCPU},
	{name: "go", open: openGo},
	{name: "onnx", open: openONNX, aliases: true},
	{name: "xla", open: openXLA},
}

// Default is the engine that Open takes for an empty name.
const Default = "cpu"

// Names lists the engines this binary has, the preferred one first.
func Names() []string {
	var names []string
	for _, c := range constructors {
		if c.open != nil {
			names = append(names, c.name)
		}
	}
	return names
}

// Engine is one opened device with everything compiled for it and stored on it.
// It may be used concurrently.
type Engine struct {
	name    string
	backend compute.Backend
	aliases bool

	mu       sync.Mutex
	closed   bool
	programs map[*Program]bool
	states   map[*State]bool
}

// Open opens the engine called name, "engine" or "engine:option,option=value",
// for example "go:ops_sequential"; the empty name is Default. An engine that
// this binary does not have, or whose library is missing, wraps
// loopitr.ErrUnavailable and lists the ones it has; an option it does not
// understand wraps loopitr.ErrInvalid. Nothing is ever downloaded. Who opens an
// engine closes it.
func Open(name string) (*Engine, error) {
	if name == "" {
		name = Default
	}
	kind, options, _ := strings.Cut(name, ":")
	at := slices.IndexFunc(constructors, func(c constructor) bool { return c.name == kind })
	if at < 0 || constructors[at].open == nil {
		return nil, fmt.Errorf("open engine %q: not in this binary, which has %s: %w",
			name, strings.Join(Names(), ", "), loopitr.ErrUnavailable)
	}
	var backend compute.Backend
	err := guard(fmt.Sprintf("open engine %q", name), func() (err error) {
		backend, err = constructors[at].open(options)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Engine{
		name: name, backend: backend, aliases: constructors[at].aliases,
		programs: map[*Program]bool{}, states: map[*State]bool{},
	}, nil
}

// Name is the name the engine was opened with.
func (e *Engine) Name() string { return e.name }

// Description says in one line what runs the graphs.
func (e *Engine) Description() string { return e.backend.Description() }

// Close waits for running programs, then frees all programs and states of the
// engine and the engine itself. Later calls on any of them wrap
// loopitr.ErrUnavailable. Closing twice is harmless.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	programs, states := e.programs, e.states
	e.programs, e.states = nil, nil
	e.mu.Unlock()
	var errs []error
	for p := range programs {
		errs = append(errs, p.free())
	}
	for s := range states {
		errs = append(errs, s.free())
	}
	errs = append(errs, guard("close engine "+e.name, func() error { e.backend.Finalize(); return nil }))
	return errors.Join(errs...)
}

// errClosed is what calls on a closed engine, state or program wrap.
var errClosed = fmt.Errorf("closed: %w", loopitr.ErrUnavailable)

// guard runs f and returns its error, or what it panicked with as an error,
// with the operation's name in front. Engines and graph building report by
// panicking; this is the one place where that ends.
func guard(operation string, f func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case error:
			err = fmt.Errorf("%s: %w", operation, r)
		default:
			err = fmt.Errorf("%s: %v", operation, r)
		}
	}()
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return nil
}
