package cpu

import (
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// alignment of every block and every arena slot: one cache line, one AVX-512 register.
const alignment = 64

// maxPooled bounds what finalized buffers keep for reuse.
const maxPooled = 1 << 30

// block is a piece of aligned memory without pointers.
type block struct {
	raw  []uint64 // keeps the memory alive
	base unsafe.Pointer
	size int // bytes in use
	room int // bytes allocated
}

func (b *block) bytes() []byte { return unsafe.Slice((*byte)(b.base), b.size) }

// memory hands out blocks and keeps returned ones by size class. The classes
// waste at most an eighth.
type memory struct {
	limit   uint64 // bytes; a request above is an error before it is an allocation
	threads int

	mu     sync.Mutex
	free   map[int][]*block
	pooled int
	idle   []*scratch // as many as executions ran at once, each as large as the largest needed
}

func newMemory(threads int) *memory {
	return &memory{limit: physicalMemory(), threads: threads, free: map[int][]*block{}}
}

// sizeClass rounds n up to a multiple of an eighth of its power of two.
func sizeClass(n int) int {
	if n <= 512 {
		return (n + alignment - 1) &^ (alignment - 1)
	}
	step := 1 << (bits.Len(uint(n-1)) - 4)
	return (n + step - 1) &^ (step - 1)
}

// checkSize returns n, or an error if the machine does not have as many bytes.
func (m *memory) checkSize(n int) (int, error) {
	if n < 0 || uint64(n) > m.limit {
		return 0, fmt.Errorf("cpu: allocate %d bytes: more than the machine's memory (%d bytes)", n, m.limit)
	}
	return n, nil
}

// get returns a block of n bytes whose content is arbitrary.
func (m *memory) get(n int) (*block, error) {
	if _, err := m.checkSize(n); err != nil {
		return nil, err
	}
	room := max(sizeClass(n), alignment)
	m.mu.Lock()
	if list := m.free[room]; len(list) > 0 {
		b := list[len(list)-1]
		m.free[room] = list[:len(list)-1]
		m.pooled -= room
		m.mu.Unlock()
		b.size = n
		return b, nil
	}
	m.mu.Unlock()
	b := newBlock(room)
	b.size = n
	return b, nil
}

// newBlock allocates outside the pool.
func newBlock(n int) *block {
	room := max(n, alignment)
	raw := make([]uint64, (room+alignment)/8+1)
	base := unsafe.Pointer(&raw[0])
	if rest := uintptr(base) % alignment; rest != 0 {
		base = unsafe.Add(base, alignment-rest)
	}
	return &block{raw: raw, base: base, size: n, room: room}
}

// put gives a block back; nobody may use it afterwards.
func (m *memory) put(b *block) {
	if b == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.free == nil || m.pooled+b.room > maxPooled {
		return
	}
	m.free[b.room] = append(m.free[b.room], b)
	m.pooled += b.room
}

// putAll gives blocks back, of which some may be nil.
func (m *memory) putAll(blocks []*block) {
	for _, b := range blocks {
		m.put(b)
	}
}

// drop forgets all pooled blocks and keeps none from now on.
func (m *memory) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free, m.idle, m.pooled = nil, nil, 0
}

// byteSize is the storage of a shape, or an error when it overflows or exceeds limit.
func (m *memory) byteSize(shape shapes.Shape) (int, error) {
	total := uint64(elementSize(shape.DType))
	empty := false
	for _, d := range shape.Dimensions {
		if d < 0 {
			return 0, fmt.Errorf("cpu: shape %s: dynamic axes are not supported", shape)
		}
		if d == 0 {
			empty = true
			continue
		}
		high, low := bits.Mul64(total, uint64(d))
		if high != 0 || low > m.limit {
			return 0, fmt.Errorf("cpu: shape %s: needs more than the machine's memory (%d bytes)", shape, m.limit)
		}
		total = low
	}
	if empty {
		return 0, nil
	}
	return int(total), nil
}

// elementSize is the bytes of one element.
func elementSize(t dtypes.DType) int { return t.Size() }

// physicalMemory is the machine's (or its control group's) memory in bytes, or
// 1 TiB where it cannot be told.
func physicalMemory() uint64 {
	limit := uint64(1) << 40
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			fields := strings.Fields(line)
			if len(fields) >= 2 && fields[0] == "MemTotal:" {
				if kb, err := strconv.ParseUint(fields[1], 10, 50); err == nil {
					limit = kb * 1024
				}
			}
		}
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil {
			limit = min(limit, n)
		}
	}
	return limit
}
