package cpu

import "github.com/loopitr/loopitr/internal/simd"

// scratch is the memory that one execution works in. It belongs to no program:
// the next execution, of whatever program, takes it over.
type scratch struct {
	arena    *block // of intermediate values
	workers  []worker
	partials []float64
	counters []int // of loops at work
	packed   simd.Packed
}

// worker is the private memory of one worker goroutine.
type worker struct {
	registers *block
	tile      tile
	workspace simd.Workspace
	// What is at work: as variables they would be allocated each time, as the kernels
	// take pointers to them.
	product   simd.Product
	attention simd.AttentionGradient
	_         [64]byte // keep neighbours off each other's cache line
}

// getScratch returns an idle scratch, or a new one, with room for p.
func (m *memory) getScratch(p *program) (*scratch, error) {
	if _, err := m.checkSize(p.arena + m.threads*p.registerBytes + 8*p.partials); err != nil {
		return nil, err
	}
	m.mu.Lock()
	var s *scratch
	if last := len(m.idle) - 1; last >= 0 {
		s = m.idle[last]
		m.idle = m.idle[:last]
	}
	m.mu.Unlock()
	if s == nil {
		s = &scratch{workers: make([]worker, m.threads)}
	}
	// What is too small is left to the garbage collector before a larger is made.
	atLeast(&s.arena, p.arena)
	for i := range s.workers {
		atLeast(&s.workers[i].registers, p.registerBytes)
	}
	if len(s.partials) < p.partials {
		s.partials = make([]float64, p.partials)
	}
	return s, nil
}

func atLeast(b **block, n int) {
	if *b == nil || (*b).room < n {
		*b = nil
		*b = newBlock(n)
	}
}

// putScratch gives a scratch back, without the operands that it was used for.
func (m *memory) putScratch(s *scratch) {
	for i := range s.workers {
		w := &s.workers[i]
		w.workspace.Forget()
		w.tile.frame, w.product, w.attention = nil, simd.Product{}, simd.AttentionGradient{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.free != nil {
		m.idle = append(m.idle, s)
	}
}
