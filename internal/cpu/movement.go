package cpu

import (
	"unsafe"

	"github.com/loopitr/loopitr/internal/simd"
)

// movement copies a box of elements between strided places: the whole of
// transpose, slice, reverse, concatenate, pad and broadcast.
type movement struct {
	dims           []int // in the destination's order, innermost last
	to, from       []int // strides in elements; from may be zero or negative
	toAt, fromAt   int   // first element
	size           int   // bytes of one element
	dstSlot        int
	srcSlot        int
	fillSlot       int // -1: none; else the destination is first filled with its element
	dstCount       int // elements of the whole destination, for the fill
	inner          int // axis of dims that is contiguous in the source
	chunks, perRun int
	outer          []int // axes other than the inner ones
	task           task
}

// plan merges axes, orders the loops and cuts them into chunks.
func (m *movement) plan() {
	m.merge()
	last := len(m.dims) - 1
	m.inner = last
	for i := range m.dims {
		if m.from[i] == 1 && m.to[i] != 1 {
			m.inner = i
		}
	}
	if last >= 0 && m.from[last] == 1 {
		m.inner = last
	}
	work := 1
	m.outer = nil
	for i, d := range m.dims {
		if i != last && i != m.inner {
			m.outer = append(m.outer, i)
			work *= d
		}
	}
	total := product(m.dims) * m.size
	m.chunks = max(1, min(work, maxTileChunks, total/(4*chunkElements)))
	m.perRun = max(1, (work+m.chunks-1)/m.chunks)
	m.chunks = max(1, (work+m.perRun-1)/m.perRun)
	m.task = m.chunk
}

// merge drops axes of one and joins axes that are contiguous on both sides.
func (m *movement) merge() {
	var dims, to, from []int
	for i, d := range m.dims {
		if d == 1 {
			continue
		}
		if k := len(dims) - 1; k >= 0 && to[k] == d*m.to[i] && from[k] == d*m.from[i] {
			dims[k] *= d
			to[k], from[k] = m.to[i], m.from[i]
			continue
		}
		dims, to, from = append(dims, d), append(to, m.to[i]), append(from, m.from[i])
	}
	if len(dims) == 0 {
		dims, to, from = []int{1}, []int{1}, []int{1}
	}
	m.dims, m.to, m.from = dims, to, from
}

func (m *movement) run(f *frame) error {
	if m.fillSlot >= 0 {
		m.fill(f)
	}
	if product(m.dims) > 0 {
		f.parallel(&m.task, m.chunks)
	}
	return nil
}

func (m *movement) fill(f *frame) {
	switch m.size {
	case 1:
		fill(values[uint8](f, m.dstSlot, m.dstCount), *(*uint8)(f.ptr[m.fillSlot]))
	case 2:
		fill(values[uint16](f, m.dstSlot, m.dstCount), *(*uint16)(f.ptr[m.fillSlot]))
	case 4:
		fill(values[uint32](f, m.dstSlot, m.dstCount), *(*uint32)(f.ptr[m.fillSlot]))
	default:
		fill(values[uint64](f, m.dstSlot, m.dstCount), *(*uint64)(f.ptr[m.fillSlot]))
	}
}

func (m *movement) chunk(f *frame, _, chunk int) {
	dst := unsafe.Add(f.ptr[m.dstSlot], m.toAt*m.size)
	src := unsafe.Add(f.ptr[m.srcSlot], m.fromAt*m.size)
	work := 1
	for _, axis := range m.outer {
		work *= m.dims[axis]
	}
	for i := chunk * m.perRun; i < min(work, (chunk+1)*m.perRun); i++ {
		to, from, rest := 0, 0, i
		for k := len(m.outer) - 1; k >= 0; k-- {
			axis := m.outer[k]
			at := rest % m.dims[axis]
			rest /= m.dims[axis]
			to += at * m.to[axis]
			from += at * m.from[axis]
		}
		m.piece(unsafe.Add(dst, to*m.size), unsafe.Add(src, from*m.size))
	}
}

// piece copies the innermost axis, or the matrix of it and the source's innermost.
func (m *movement) piece(dst, src unsafe.Pointer) {
	last := len(m.dims) - 1
	rows, rowTo, rowFrom := 1, 0, 0
	if m.inner != last {
		rows, rowTo, rowFrom = m.dims[m.inner], m.to[m.inner], m.from[m.inner]
	}
	n, to, from := m.dims[last], m.to[last], m.from[last]
	if m.size == 4 && from >= 0 && rowFrom >= 0 && rows > 1 {
		simd.Copy(
			simd.Matrix{Values: view32(dst, (rows-1)*rowTo+(n-1)*to+1), Rows: rows, Columns: n, RowStride: rowTo, ColumnStride: to},
			simd.Matrix{Values: view32(src, (rows-1)*rowFrom+(n-1)*from+1), Rows: rows, Columns: n, RowStride: rowFrom, ColumnStride: from})
		return
	}
	for r := range rows {
		d, s := unsafe.Add(dst, r*rowTo*m.size), unsafe.Add(src, r*rowFrom*m.size)
		if to == 1 && from == 1 {
			copy(unsafe.Slice((*byte)(d), n*m.size), unsafe.Slice((*byte)(s), n*m.size))
			continue
		}
		switch m.size {
		case 1:
			moveRow[uint8](d, s, n, [2]int{to, from})
		case 2:
			moveRow[uint16](d, s, n, [2]int{to, from})
		case 4:
			moveRow[uint32](d, s, n, [2]int{to, from})
		default:
			moveRow[uint64](d, s, n, [2]int{to, from})
		}
	}
}

// moveRow copies n elements between strides, the destination's first.
func moveRow[T any](dst, src unsafe.Pointer, n int, strides [2]int) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	for i := range n {
		*(*T)(unsafe.Add(dst, i*strides[0]*size)) = *(*T)(unsafe.Add(src, i*strides[1]*size))
	}
}
