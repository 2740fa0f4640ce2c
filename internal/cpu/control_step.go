package cpu

import (
	"unsafe"

	"github.com/gomlx/compute"
)

// branchStep runs compiled closures.
type branchStep struct {
	backend  *Backend
	loop     bool // While: functions are condition and body; else If: true and false
	inputs   []int
	sizes    []int   // bytes of the inputs
	captures [][]int // slots, per function
	programs []*program
	outputs  []int // slot per output, -1 if nothing reads it
}

func (c *compiler) branchStep(u *unit) (step, error) {
	n := u.node
	a := n.attr.(branchAttr)
	s := &branchStep{backend: c.backend, loop: n.op == compute.OpTypeWhile}
	at := len(n.inputs)
	for _, g := range a.functions {
		at -= len(g.captured)
	}
	for _, in := range n.inputs[:at] {
		s.inputs = append(s.inputs, c.slot(in))
		s.sizes = append(s.sizes, in.bytes())
	}
	for _, g := range a.functions {
		p, err := compileFunction(g)
		if err != nil {
			return nil, err
		}
		s.programs = append(s.programs, p)
		captures := make([]int, len(g.captured))
		for i := range captures {
			captures[i] = c.slot(n.inputs[at])
			at++
		}
		s.captures = append(s.captures, captures)
	}
	s.outputs = make([]int, len(s.programs[len(s.programs)-1].outputs))
	for i := range s.outputs {
		s.outputs[i] = -1
	}
	for _, o := range u.outputs {
		s.outputs[o.attr.(int)] = c.slot(o)
	}
	return s, nil
}

func (s *branchStep) run(f *frame) error {
	if !s.loop {
		branch := 1
		if *(*bool)(f.ptr[s.inputs[0]]) {
			branch = 0
		}
		out, err := s.call(f, branch, nil)
		if err != nil {
			return err
		}
		s.finish(f, out)
		s.backend.memory.putAll(out)
		return nil
	}
	return s.repeat(f)
}

func (s *branchStep) repeat(f *frame) error {
	state := make([]*block, len(s.inputs))
	defer func() { s.backend.memory.putAll(state) }()
	for i, slot := range s.inputs {
		b, err := s.backend.memory.get(s.sizes[i])
		if err != nil {
			return err
		}
		copyBytes(b.base, f.ptr[slot], s.sizes[i])
		state[i] = b
	}
	for {
		again, err := s.call(f, 0, state)
		if err != nil {
			return err
		}
		more := *(*bool)(again[0].base)
		s.backend.memory.putAll(again)
		if !more {
			s.finish(f, state)
			return nil
		}
		next, err := s.call(f, 1, state)
		if err != nil {
			return err
		}
		s.backend.memory.putAll(state)
		state = next
	}
}

// call runs a function on inputs that stay the caller's.
func (s *branchStep) call(f *frame, function int, inputs []*block) ([]*block, error) {
	pointers := make([]unsafe.Pointer, len(inputs))
	for i, b := range inputs {
		pointers[i] = b.base
	}
	captures := make([]unsafe.Pointer, len(s.captures[function]))
	for i, slot := range s.captures[function] {
		captures[i] = f.ptr[slot]
	}
	return s.programs[function].execute(pointers, captures, nil)
}

// finish copies results to their slots.
func (s *branchStep) finish(f *frame, out []*block) {
	for i, slot := range s.outputs {
		if slot >= 0 {
			copyBytes(f.ptr[slot], out[i].base, out[i].size)
		}
	}
}
