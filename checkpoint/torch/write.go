package torch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

// Entry is one item of a dictionary to be written: the first that is set of
// Dictionary, Source and View; otherwise Text.
type Entry struct {
	Key        string
	Dictionary []Entry
	// Source is a tensor, row after row.
	Source *safetensors.Source
	// View is another tensor over the storage of an earlier Source.
	View *View
	Text string
}

// View is a tensor over the beginning of the storage of the Source that is called
// Of. A stride of zero repeats elements.
type View struct {
	Of             string // Source.Name
	Shape, Strides []int
}

// classes are the storages' names by element type.
var classes = func() map[safetensors.DType]string {
	names := map[safetensors.DType]string{}
	for name, dtype := range storages {
		names[dtype] = name
	}
	return names
}()

// Write writes what torch.load reads as nested dictionaries: the zip form, with one
// storage a Source. The same input gives the same bytes. Sources are written one
// after the other and are not held.
//
// The error wraps loopitr.ErrInvalid when a source has an element type that PyTorch
// lacks, writes another number of bytes than its shape says, or a view names no
// earlier source; otherwise it is w's.
func Write(w io.Writer, root []Entry) error {
	p := pickler{known: map[string]placed{}}
	p.out.Write([]byte{opProto, 2})
	if err := p.dictionary(root); err != nil {
		return err
	}
	p.out.WriteByte(opStop)
	z := &archiver{to: &counter{w: w}}
	z.zip = zip.NewWriter(z.to)
	if err := z.add("data.pkl", int64(p.out.Len()), func(w io.Writer) error { _, err := w.Write(p.out.Bytes()); return err }); err != nil {
		return err
	}
	for i, s := range p.sources {
		size := int64(elements(s.Shape)) * int64(s.DType.Size())
		if err := z.add("data/"+strconv.Itoa(i), size, s.Write); err != nil {
			return fmt.Errorf("write tensor %q: %w", s.Name, err)
		}
	}
	for _, small := range [][2]string{{"byteorder", "little"}, {"version", "3\n"}} {
		err := z.add(small[0], int64(len(small[1])), func(w io.Writer) error { _, err := io.WriteString(w, small[1]); return err })
		if err != nil {
			return err
		}
	}
	return z.zip.Close()
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// pickler writes the pickle and gathers the storages it names.
type pickler struct {
	out     bytes.Buffer
	sources []safetensors.Source
	known   map[string]placed
}

// placed is a source's place among the storages.
type placed struct {
	key int
	of  safetensors.Source
}

func (p *pickler) dictionary(entries []Entry) error {
	p.out.Write([]byte{opEmptyDict, opMark})
	for _, e := range entries {
		p.text(e.Key)
		var err error
		switch {
		case e.Dictionary != nil:
			err = p.dictionary(e.Dictionary)
		case e.Source != nil:
			err = p.source(*e.Source)
		case e.View != nil:
			err = p.view(*e.View)
		default:
			p.text(e.Text)
		}
		if err != nil {
			return err
		}
	}
	p.out.WriteByte(opSetItems)
	return nil
}

func (p *pickler) text(s string) {
	p.out.WriteByte(opBinUnicode)
	p.out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.out.WriteString(s)
}

func (p *pickler) source(s safetensors.Source) error {
	if classes[s.DType] == "" {
		return fmt.Errorf("write tensor %q: PyTorch has no %q: %w", s.Name, s.DType, loopitr.ErrInvalid)
	}
	at := placed{len(p.sources), s}
	p.sources = append(p.sources, s)
	p.known[s.Name] = at
	strides := make([]int, len(s.Shape))
	for axis, next := len(s.Shape)-1, 1; axis >= 0; axis-- {
		strides[axis] = next
		next *= s.Shape[axis]
	}
	p.tensor(at, s.Shape, strides)
	return nil
}

func (p *pickler) view(v View) error {
	at, ok := p.known[v.Of]
	if !ok || len(v.Shape) != len(v.Strides) {
		return fmt.Errorf("write a view of %q: it is not there: %w", v.Of, loopitr.ErrInvalid)
	}
	p.tensor(at, v.Shape, v.Strides)
	return nil
}

// tensor is a call of _rebuild_tensor_v2(storage, offset, sizes, strides, False,
// OrderedDict()).
func (p *pickler) tensor(at placed, shape, strides []int) {
	p.global(rebuildTensor2)
	p.out.WriteByte(opMark)
	p.out.WriteByte(opMark)
	p.text("storage")
	p.global(global{"torch", classes[at.of.DType]})
	p.text(strconv.Itoa(at.key))
	p.text("cpu")
	p.integer(elements(at.of.Shape))
	p.out.Write([]byte{opTuple, opBinPersID})
	p.integer(0)
	p.integers(shape)
	p.integers(strides)
	p.out.WriteByte(opNewFalse)
	p.global(orderedDict)
	p.out.Write([]byte{opEmptyTuple, opReduce, opTuple, opReduce})
}

func (p *pickler) global(g global) {
	fmt.Fprintf(&p.out, "%c%s\n%s\n", opGlobal, g.module, g.name)
}

func (p *pickler) integers(values []int) {
	p.out.WriteByte(opMark)
	for _, v := range values {
		p.integer(v)
	}
	p.out.WriteByte(opTuple)
}

func (p *pickler) integer(v int) {
	if v >= 0 && v <= math.MaxInt32 {
		p.out.WriteByte(opBinInt)
		p.out.Write(binary.LittleEndian.AppendUint32(nil, uint32(v)))
		return
	}
	p.out.Write([]byte{opLong1, 8})
	p.out.Write(binary.LittleEndian.AppendUint64(nil, uint64(v)))
}

// archiver writes stored entries, as PyTorch does, their data aligned to 64 bytes.
type archiver struct {
	to         *counter
	zip        *zip.Writer
	descriptor int64 // bytes that will still follow the entry before
}

const alignment = 64

// stamped is the time of all entries: the earliest that zip knows.
var stamped = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

func (a *archiver) add(name string, size int64, fill func(w io.Writer) error) error {
	if err := a.zip.Flush(); err != nil {
		return err
	}
	h := &zip.FileHeader{Name: "archive/" + name, Method: zip.Store, Modified: stamped}
	a.pad(h)
	to, err := a.zip.CreateHeader(h)
	if err != nil {
		return err
	}
	counted := &counter{w: to}
	if err := fill(counted); err != nil {
		return err
	}
	if counted.written != size {
		return fmt.Errorf("%d bytes, its shape says %d: %w", counted.written, size, loopitr.ErrInvalid)
	}
	a.descriptor = 16
	if size >= math.MaxUint32 {
		a.descriptor = 24
	}
	return nil
}

// pad lets the data begin at a multiple of the alignment: after the header of 30
// bytes, the name, the time's extra field of 9 bytes that package zip adds, and a
// field of zeros with 4 bytes of its own, which PyTorch calls "FB".
func (a *archiver) pad(h *zip.FileHeader) {
	const header, timeField, own = 30, 9, 4
	at := a.to.written + a.descriptor + header + int64(len(h.Name)) + timeField + own
	zeros := (alignment - at%alignment) % alignment
	h.Extra = binary.LittleEndian.AppendUint16([]byte("FB"), uint16(zeros))
	h.Extra = append(h.Extra, make([]byte, zeros)...)
}

// counter counts what goes through.
type counter struct {
	w       io.Writer
	written int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.written += int64(n)
	return n, err
}
