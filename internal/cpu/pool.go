package cpu

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// task computes one chunk of a step. Which worker runs which chunk changes from
// run to run; a chunk's result must not depend on it.
type task func(f *frame, worker, chunk int)

const (
	chunkBits = 20
	chunkMask = 1<<chunkBits - 1
	maxChunks = chunkMask

	// spins is how often an idle worker looks for work, or the caller for the end
	// of it, before sleeping: some 60 us, so that the steps of one execution, and
	// executions that follow each other, find it awake. Waking a sleeper took 150 us
	// and more on a virtual machine.
	spins = 40000
)

// pool is the backend's worker goroutines. The caller of run is worker 0.
//
// state packs generation, number of chunks and next chunk, so that one
// compare-and-swap claims a chunk and proves that task and frame still belong
// to it.
type pool struct {
	workers int

	mu    sync.Mutex // owned by the execution that uses the workers
	state atomic.Uint64
	task  atomic.Pointer[task]
	frame atomic.Pointer[frame]
	done  atomic.Int32
	total atomic.Int32 // chunks of the running task
	waits atomic.Bool  // the caller sleeps until finished
	fault atomic.Pointer[string]

	sleepers atomic.Int32
	wake     chan struct{}
	finished chan struct{}
	stop     atomic.Bool
	group    sync.WaitGroup
}

func newPool(workers int) *pool {
	p := &pool{workers: workers, wake: make(chan struct{}, workers), finished: make(chan struct{}, 1)}
	for id := 1; id < workers; id++ {
		p.group.Add(1)
		go p.work(id)
	}
	return p
}

func (p *pool) close() {
	p.stop.Store(true)
	close(p.wake)
	p.group.Wait()
}

// run executes t for chunks 0..n-1 on all workers and returns when all are done.
// The caller must own p.mu.
func (p *pool) run(f *frame, t *task, n int) {
	p.task.Store(t)
	p.frame.Store(f)
	p.done.Store(0)
	p.total.Store(int32(n))
	generation := p.state.Load()>>(2*chunkBits) + 1
	p.state.Store(generation<<(2*chunkBits) | uint64(n)<<chunkBits)
	for s := p.sleepers.Swap(0); s > 0; s-- {
		p.wake <- struct{}{}
	}
	for p.claim(0) {
	}
	p.await(int32(n))
}

// await returns when n chunks are done. Raising waits asks for one message on
// finished; a worker that is late from the task before may send it too early,
// hence the loop.
func (p *pool) await(n int32) {
	for {
		for range spins {
			if p.done.Load() == n {
				return
			}
		}
		p.waits.Store(true)
		if p.done.Load() == n && p.waits.CompareAndSwap(true, false) {
			return
		}
		<-p.finished
	}
}

// claim takes and computes one chunk; false means there is none left.
func (p *pool) claim(worker int) bool {
	for {
		s := p.state.Load()
		next, n := s&chunkMask, s>>chunkBits&chunkMask
		if next >= n {
			return false
		}
		t, f := p.task.Load(), p.frame.Load()
		if p.state.CompareAndSwap(s, s+1) {
			p.compute(t, f, worker, int(next))
			return true
		}
	}
}

func (p *pool) compute(t *task, f *frame, worker, chunk int) {
	defer p.finish()
	(*t)(f, worker, chunk)
}

// finish counts a chunk; a panic of a kernel becomes the execution's error.
func (p *pool) finish() {
	if r := recover(); r != nil {
		text := fmt.Sprint(r)
		p.fault.CompareAndSwap(nil, &text)
	}
	if p.done.Add(1) == p.total.Load() && p.waits.CompareAndSwap(true, false) {
		p.finished <- struct{}{}
	}
}

func (p *pool) work(id int) {
	defer p.group.Done()
	idle := 0
	for !p.stop.Load() {
		if p.claim(id) {
			idle = 0
			continue
		}
		if idle++; idle < spins {
			continue
		}
		idle = 0
		p.sleep()
	}
}

// sleep parks the worker until run or close wakes it.
func (p *pool) sleep() {
	p.sleepers.Add(1)
	s := p.state.Load()
	if s&chunkMask >= s>>chunkBits&chunkMask && !p.stop.Load() {
		<-p.wake
		return
	}
	// Work came in between: withdraw, unless a wake-up is already on its way.
	for {
		s := p.sleepers.Load()
		if s == 0 {
			<-p.wake
			return
		}
		if p.sleepers.CompareAndSwap(s, s-1) {
			return
		}
	}
}
