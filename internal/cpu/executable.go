package cpu

import (
	"fmt"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Executable is a compiled graph. Execute may be called concurrently; the first
// caller has the worker goroutines, others run on their own meanwhile.
type Executable struct {
	backend *Backend
	name    string
	program *program
	ended   atomic.Bool
}

var _ compute.Executable = (*Executable)(nil)

// Finalize drops what the executable keeps between executions.
func (e *Executable) Finalize() {
	e.ended.Store(true)
	e.program.mu.Lock()
	defer e.program.mu.Unlock()
	e.program.frames = nil
}

// Inputs returns the parameters' names and shapes.
func (e *Executable) Inputs() ([]string, []shapes.Shape) { return e.program.names, e.program.inputs }

// Outputs returns the results' shapes.
func (e *Executable) Outputs() []shapes.Shape { return e.program.outputs }

// MemoryPlan returns the bytes of intermediate values that one execution holds,
// and the bytes that are alive at the worst moment: the floor of any plan.
func (e *Executable) MemoryPlan() (arena, live int) { return e.program.arena, e.program.live }

// Execute runs the graph. Donated inputs are invalid afterwards, even if an
// error is returned after the inputs were found to fit.
func (e *Executable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	if err := e.backend.check(device); err != nil {
		return nil, err
	}
	if e.ended.Load() {
		return nil, fmt.Errorf("cpu: execute %q: executable is finalized", e.name)
	}
	buffers, err := e.checkInputs(inputs, donate)
	if err != nil {
		return nil, fmt.Errorf("cpu: execute %q: %w", e.name, err)
	}
	pointers := make([]unsafe.Pointer, len(buffers))
	for i, b := range buffers {
		pointers[i] = b.block.base
	}
	blocks := donated(buffers, donate)
	out, err := e.program.execute(pointers, nil, blocks)
	e.backend.memory.putAll(blocks)
	if err != nil {
		return nil, fmt.Errorf("cpu: execute %q: %w", e.name, err)
	}
	results := make([]compute.Buffer, len(out))
	for i, b := range out {
		results[i] = &Buffer{backend: e.backend, shape: e.program.outputs[i], block: b}
	}
	return results, nil
}

// donated takes the blocks of donated buffers; nil if there are none. A buffer
// that is given twice is ended too, but its memory is left alone while the other
// use reads it.
func donated(buffers []*Buffer, donate []bool) []*block {
	if !slices.Contains(donate, true) {
		return nil
	}
	uses := make(map[*Buffer]int, len(buffers))
	for _, b := range buffers {
		uses[b]++
	}
	blocks := make([]*block, len(buffers))
	for i, b := range buffers {
		if !donate[i] || b.ended.Swap(true) {
			continue
		}
		if uses[b] == 1 {
			blocks[i] = b.block
		}
		b.block = nil
	}
	return blocks
}

func (e *Executable) checkInputs(inputs []compute.Buffer, donate []bool) ([]*Buffer, error) {
	p := e.program
	if len(inputs) != len(p.inputs) {
		return nil, fmt.Errorf("%d inputs, want %d", len(inputs), len(p.inputs))
	}
	if len(donate) != 0 && len(donate) != len(inputs) {
		return nil, fmt.Errorf("%d donation marks for %d inputs", len(donate), len(inputs))
	}
	buffers := make([]*Buffer, len(inputs))
	for i, in := range inputs {
		b, ok := in.(*Buffer)
		if !ok || b == nil || b.backend != e.backend {
			return nil, fmt.Errorf("input %q is not a buffer of this backend", p.names[i])
		}
		if err := b.alive(); err != nil {
			return nil, fmt.Errorf("input %q: %w", p.names[i], err)
		}
		if b.shape.DType != p.inputs[i].DType || !b.shape.EqualDimensions(p.inputs[i]) {
			return nil, fmt.Errorf("input %q is %s, want %s", p.names[i], b.shape, p.inputs[i])
		}
		buffers[i] = b
	}
	return buffers, nil
}
