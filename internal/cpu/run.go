package cpu

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/gomlx/compute/shapes"
)

// step computes one unit. It is shared by concurrent executions and keeps no state.
type step interface{ run(f *frame) error }

type arenaSlot struct{ slot, offset int }

type constant struct {
	slot  int
	block *block
}

// result is one value that an execution returns.
type result struct {
	slot     int
	shape    shapes.Shape
	copyFrom bool // the slot is an input, a constant or another result: copy
	reuses   int  // parameter whose memory it may take over if donated, -1 for none
}

// program is a compiled function.
type program struct {
	backend *Backend
	names   []string
	inputs  []shapes.Shape
	outputs []shapes.Shape

	slots          int
	parameterSlots []int // -1 for a parameter that is not used
	captures       int
	captureSlots   []int // -1 for a captured value that is not used
	constants      []constant
	offsets        []arenaSlot
	results        []result
	steps          []step
	arena          int // bytes
	live           int // bytes alive at the worst moment
	registerBytes  int // of the largest tile program
	partials       int // float64 elements of the step with most

	mu     sync.Mutex
	frames []*frame // idle
}

// frame is one execution: where each slot's value is, and what it works in.
type frame struct {
	*scratch // nil while idle
	program  *program
	ptr      []unsafe.Pointer
	pool     *pool // nil: run on this goroutine only
}

func (p *program) acquire() (*frame, error) {
	p.mu.Lock()
	var f *frame
	if last := len(p.frames) - 1; last >= 0 {
		f = p.frames[last]
		p.frames = p.frames[:last]
	}
	p.mu.Unlock()
	if f == nil {
		f = p.newFrame()
	}
	var err error
	if f.scratch, err = p.backend.memory.getScratch(p); err != nil {
		return nil, err
	}
	for _, s := range p.offsets {
		f.ptr[s.slot] = unsafe.Add(f.arena.base, s.offset)
	}
	return f, nil
}

func (p *program) newFrame() *frame {
	f := &frame{program: p, ptr: make([]unsafe.Pointer, p.slots)}
	for _, c := range p.constants {
		f.ptr[c.slot] = c.block.base
	}
	return f
}

// release keeps the frame for the next execution, without the memory it used.
func (p *program) release(f *frame) {
	p.backend.memory.putScratch(f.scratch)
	f.scratch = nil
	for _, s := range p.offsets {
		f.ptr[s.slot] = nil
	}
	for _, s := range p.parameterSlots {
		if s >= 0 {
			f.ptr[s] = nil
		}
	}
	for _, s := range p.captureSlots {
		if s >= 0 {
			f.ptr[s] = nil
		}
	}
	for _, r := range p.results {
		if !r.copyFrom {
			f.ptr[r.slot] = nil
		}
	}
	p.mu.Lock()
	p.frames = append(p.frames, f)
	p.mu.Unlock()
}

// execute runs the program on inputs; a donated input's block may come back as a
// result's, in which case its entry becomes nil.
func (p *program) execute(inputs, captures []unsafe.Pointer, blocks []*block) ([]*block, error) {
	f, err := p.acquire()
	if err != nil {
		return nil, err
	}
	defer p.release(f)
	for i, s := range p.parameterSlots {
		if s >= 0 {
			f.ptr[s] = inputs[i]
		}
	}
	for i, s := range p.captureSlots {
		if s >= 0 {
			f.ptr[s] = captures[i]
		}
	}
	out, err := p.allocate(f, blocks)
	if err == nil {
		err = f.runSteps()
	}
	if err != nil {
		p.backend.memory.putAll(out)
		return nil, err
	}
	for i, r := range p.results {
		if r.copyFrom {
			copy(out[i].bytes(), unsafe.Slice((*byte)(f.ptr[r.slot]), out[i].size))
		}
	}
	return out, nil
}

// allocate finds memory for the results: new, or that of donated inputs, whose
// entries in blocks become nil. With an error come those it has found.
func (p *program) allocate(f *frame, blocks []*block) ([]*block, error) {
	out := make([]*block, len(p.results))
	for i, r := range p.results {
		if r.reuses >= 0 && blocks != nil && blocks[r.reuses] != nil {
			out[i] = blocks[r.reuses]
			blocks[r.reuses] = nil
		} else {
			b, err := p.backend.memory.get(bytesOf(r.shape))
			if err != nil {
				return out, err
			}
			out[i] = b
		}
		if !r.copyFrom {
			f.ptr[r.slot] = out[i].base
		}
	}
	return out, nil
}

func (f *frame) runSteps() (err error) {
	pool := f.program.backend.pool
	if pool.workers > 1 && pool.mu.TryLock() {
		f.pool = pool
		defer func() {
			// A chunk's panic came before whatever ended the steps.
			if fault := pool.fault.Swap(nil); fault != nil {
				err = fmt.Errorf("cpu: %s", *fault)
			}
			f.pool = nil
			pool.mu.Unlock()
		}()
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cpu: %v", r)
		}
	}()
	for _, s := range f.program.steps {
		if err := s.run(f); err != nil {
			return err
		}
	}
	return nil
}

// parallel runs t for chunks 0..n-1.
func (f *frame) parallel(t *task, n int) {
	if f.pool == nil || n <= 1 || n > maxChunks {
		for i := range n {
			(*t)(f, 0, i)
		}
		return
	}
	f.pool.run(f, t, n)
}

func bytesOf(s shapes.Shape) int { return product(s.Dimensions) * elementSize(s.DType) }

// floats views a slot as float32.
func (f *frame) floats(slot, n int) []float32 { return view32(f.ptr[slot], n) }

func view32(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }

// values views a slot as any element type.
func values[T any](f *frame, slot, n int) []T { return unsafe.Slice((*T)(f.ptr[slot]), n) }
